import { describe, expect, test } from 'vitest'
import type { Explanation } from '../../../src/model/explanation.ts'
import { known, unknown } from '../../../src/model/reading.ts'
import { explanationText } from '../../../src/report/text/explanation.ts'
import { EXPLAINED, EXPLAINED_FLEET } from '../explained.ts'
import { marked, plain } from '../paper.ts'

describe('hosts explained', () => {
  test.each([80, 200])('on %i columns', async (columns) => {
    const text = explanationText(plain(columns), EXPLAINED_FLEET).join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/explain-${columns}.txt`)
  })

  test('with colour, the words are the same', () => {
    const coloured = explanationText(marked(80), EXPLAINED_FLEET).join('\n')
    const bare = coloured.replace(/<(?:strong|faint|good|warn|bad):([^>]*)>/g, '$1')
    expect(bare).toBe(explanationText(plain(80), EXPLAINED_FLEET).join('\n'))
  })
})

test('no line is wider than the paper', () => {
  for (const columns of [40, 80, 137, 200]) {
    const paper = plain(columns)
    for (const line of explanationText(paper, EXPLAINED_FLEET)) expect(paper.width(line)).toBeLessThanOrEqual(columns)
  }
})

test('a number that is not known says why, in its place', () => {
  const [, notrack] = EXPLAINED.strategies
  if (notrack?.effect.remedy !== 'notrack') throw new Error('another fixture')
  const effect = { ...notrack.effect, entriesFreed: unknown('only root may read it') }
  const text = textOf({ ...EXPLAINED, strategies: [{ ...notrack, effect }] })
  expect(text).toMatch(/ {4}entries {13}not known: only root may read it/)
})

test('nothing that a host or a document of facts says reaches the terminal as it was said', () => {
  const bad = 'a\x1b[2J\u202e\r\b'
  const [unload] = EXPLAINED.strategies
  if (unload === undefined || !EXPLAINED.ports.known) throw new Error('another fixture')
  const [decision] = EXPLAINED.ports.value
  if (decision === undefined) throw new Error('another fixture')
  const text = textOf({
    ...EXPLAINED,
    findings: [{ rule: 'near-full', severity: 'warning', title: bad, evidence: [bad] }],
    table: { ...EXPLAINED.table, entrySize: { bytes: 320, measured: false, why: bad }, max: unknown(bad) },
    strategies: [
      { title: bad, verdict: { strategy: bad, verdict: 'unsure', reasons: [bad], vars: {} }, effect: unload.effect },
      { ...unload, effect: { remedy: 'other', why: bad } },
    ],
    choice: { strategy: bad, why: bad },
    ports: known([{ ...decision, protocol: bad, why: bad }]),
  })
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

function textOf(explanation: Explanation): string {
  return explanationText(plain(80), [{ host: 'a', status: 'explained', explanation }]).join('\n')
}
