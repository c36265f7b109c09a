import { spawnSync } from 'node:child_process'
import { test as property } from '@fast-check/vitest'
import fc from 'fast-check'
import { expect } from 'vitest'
import { cksum } from '../../src/transport/checksum.ts'

property.prop([fc.uint8Array({ maxLength: 3000 })], { numRuns: 30 })('cksum is what cksum prints', (bytes) => {
  const printed = spawnSync('cksum', { input: bytes, encoding: 'utf8' }).stdout
  expect(`${cksum(bytes)} ${bytes.length}\n`).toBe(printed)
})
