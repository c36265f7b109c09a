import { expect, test } from 'vitest'
import { parseRules } from '../../src/firewall/parse.ts'
import { corpus, filesBelow, NO_CORPUS, textOf } from './corpus.ts'
import { applied, changeOf, withoutOurs } from './written-file.ts'

test('files that people published: written once, all else stays, and a second time there is nothing to write', (context) => {
  if (corpus === null) return context.skip(NO_CORPUS)
  let written = 0
  for (const [at, path] of filesBelow(corpus, '01-iptables-save').entries()) {
    const text = textOf(corpus, path)
    if (text.length > 40_000 || !parseRules(text, 'ip').known) continue
    const services = [{ protocol: 'tcp', port: at % 2 === 0 ? 22 : 80 }] as const
    const change = changeOf(text, 'ip', services, 100_000)
    if (!change.known || change.value.hunks.length === 0) continue
    written += 1
    const after = applied(text, change.value)
    expect(withoutOurs(after), path).toBe(text)
    expect(changeOf(after, 'ip', services, 100_000), path).toMatchObject({ known: true, value: { hunks: [] } })
  }
  expect(written).toBeGreaterThan(10)
})
