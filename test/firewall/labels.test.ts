import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import { corpus, type Label, labels, NO_CORPUS } from './corpus.ts'

test('no patch is called safe where real packets say otherwise', { timeout: 120_000 }, (context) => {
  if (corpus === null) return context.skip(NO_CORPUS)
  const told = labels(corpus)
    .filter(({ verdict }) => verdict !== 'not testable')
    .map((label) => ({ label, ours: judge(corpus as string, label) }))

  const table = new Map<string, number>()
  for (const { label, ours } of told) {
    const key = `${expected(label).padEnd(14)} ${ours.says}`
    table.set(key, (table.get(key) ?? 0) + 1)
  }
  console.log(
    [...table]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, count]) => `${String(count).padStart(4)}  ${key}`)
      .join('\n'),
  )
  const should = told.filter(({ label }) => expected(label) !== 'must refuse')
  const needless = should.filter(({ ours }) => ours.says === 'refused')
  console.log(`needless refusals: ${needless.length} of ${should.length}`)
  for (const { label, ours } of [...needless, ...told.filter(({ ours }) => ours.says === 'unreadable')]) {
    console.log(`  line ${label.line} port ${label.port} (${label.verdict}): ${ours.why}`)
  }

  const wrong = told.filter(({ label, ours }) => ours.says === 'safe' && expected(label) === 'must refuse')
  expect(wrong.map(({ label }) => label)).toEqual([])
  const mistaken = told.filter(({ label, ours }) => ours.says === 'safe' && !agrees(label, ours.twins))
  expect(mistaken.map(({ label, ours }) => ({ label, ours }))).toEqual([])
  expect(needless.length / should.length).toBeLessThanOrEqual(0.1)
})

function expected({ verdict, natCovers }: Label): string {
  return verdict.startsWith('breaks (NAT') || (natCovers !== 'no' && natCovers !== '-') ? 'must refuse' : 'may be safe'
}

/** Measured: the port answers with NOTRACK and the twins' chains opened exactly if it answered before. */
function agrees(label: Label, twins: readonly string[]): boolean {
  const open = label.reachable === 'ok'
  if (twins.length === 0) return label.notrackBoth === '-' || (label.notrackBoth === 'ok') === open
  // An accept for all that is untracked is wider than a twin: it proves nothing about a port that must stay closed.
  return twins.includes('OUTPUT') || !open || label.twinIn === '-' || label.twinIn === 'ok'
}

type Judged = {
  readonly says: 'safe' | 'refused' | 'unreadable'
  readonly why: string
  /** Chains of the filter table that twins of the port itself went to. */
  readonly twins: readonly string[]
}

function judge(at: string, label: Label): Judged {
  const rules = parseRules(readFileSync(join(at, label.file), 'utf8'), label.family)
  if (!rules.known) return { says: 'unreadable', why: rules.why, twins: [] }
  const patch = notrackPatch([{ backend: 'legacy', rules: rules.value }], [{ protocol: 'tcp', port: label.port }], {
    families: [label.family],
    backend: 'legacy',
  })
  if (!patch.safe) return { says: 'refused', why: `${patch.why} [${patch.rule}]`, twins: [] }
  const twins = patch.edits.filter(({ table, spec }) => table !== 'raw' && spec.includes('UNTRACKED'))
  return { says: 'safe', why: '', twins: twins.map(({ chain }) => chain) }
}
