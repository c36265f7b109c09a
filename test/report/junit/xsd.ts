import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The schema that JUnit and Jenkins' plugins pass on; MIT, its origin is in its head. Newer ones allow all that it allows. */
const SCHEMA = 'test/report/junit/jenkins-junit.xsd'

/** Why documents cannot be held against it here, or null. */
export function whyNoXmllint(): string | null {
  return existsSync('/usr/bin/xmllint')
    ? null
    : 'there is no xmllint (libxml2-utils), which the set-up of the journeys installs'
}

/** What libxml2 has against documents, a line each: that they are not well-formed, or do not fit the schema. */
export function breaches(documents: readonly string[]): readonly string[] {
  const dir = mkdtempSync(join(tmpdir(), 'ctfleet-xsd-'))
  try {
    const files = documents.map((document, at) => {
      const file = join(dir, `${at}.xml`)
      writeFileSync(file, document)
      return file
    })
    const { stderr, error } = spawnSync('xmllint', ['--noout', '--nonet', '--schema', SCHEMA, ...files], {
      encoding: 'utf8',
    })
    if (error !== undefined) throw error
    const lines = stderr.split('\n').filter((line) => line !== '')
    return lines.filter((line) => !line.endsWith('.xml validates'))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
