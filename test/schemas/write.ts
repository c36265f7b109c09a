// Writes schemas/ anew: npm run schemas
import { writeFileSync } from 'node:fs'
import { PUBLISHED, textOf } from './published.ts'

for (const [name, schema] of Object.entries(PUBLISHED)) writeFileSync(`schemas/${name}`, textOf(schema))
