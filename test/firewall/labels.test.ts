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
      .sort()
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
  expect(needless.length / should.length).toBeLessThanOrEqual(0.1)
})

function expected({ verdict, natCovers }: Label): string {
  return verdict.startsWith('breaks (NAT') || (natCovers !== 'no' && natCovers !== '-') ? 'must refuse' : 'may be safe'
}

function judge(at: string, label: Label): { readonly says: 'safe' | 'refused' | 'unreadable'; readonly why: string } {
  const rules = parseRules(readFileSync(join(at, label.file), 'utf8'), label.family)
  if (!rules.known) return { says: 'unreadable', why: rules.why }
  const patch = notrackPatch([{ backend: 'legacy', rules: rules.value }], [{ protocol: 'tcp', port: label.port }], {
    families: [label.family],
    backend: 'legacy',
  })
  if (!patch.safe) return { says: 'refused', why: `${patch.why} [${patch.rule}]` }
  if (process.env.CTFLEET_SHOW !== undefined) {
    console.log(
      `line ${label.line} port ${label.port} (${label.verdict}):\n${patch.edits.map((edit) => `   ${edit.table} ${edit.chain} ${edit.spec}`).join('\n')}\n   ${patch.notes.join('\n   ')}`,
    )
  }
  return { says: 'safe', why: '' }
}
