import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coarsened } from '../../src/firewall/coarse.ts'
import { withEdits } from '../../src/firewall/edits.ts'
import { questionFor } from '../../src/firewall/evaluate.ts'
import { passagesOf } from '../../src/firewall/flow.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { live } from './dump.ts'

const HTTP = { protocol: 'tcp', port: 80 } as const

test('a blocklist is one open question, and its rules keep their places', () => {
  const list = Array.from({ length: 40 }, (_, at) => `-s 192.0.2.${at}/32 -j DROP`)
  const rules = live(['filter INPUT DROP', ...list, '-p tcp -m tcp --dport 80 -j ACCEPT'].join('\n'))
  const [coarse] = coarsened([rules])
  const chain = coarse?.rules.tables[0]?.chains[0]
  expect(chain?.rules.map(({ spec }) => spec)).toEqual(rules.rules.tables[0]?.chains[0]?.rules.map(({ spec }) => spec))
  expect(chain?.rules.filter(({ target }) => target !== null)).toHaveLength(2)
})

test('rules that differ in more than an address stay as they are', () => {
  const list = Array.from({ length: 40 }, (_, at) => `-s 192.0.2.${at}/32 -p tcp -m tcp --dport ${at} -j DROP`)
  const rules = [live(['filter INPUT DROP', ...list].join('\n'))]
  expect(coarsened(rules)).toBe(rules)
})

const others = [
  '-m state --state ESTABLISHED -j ACCEPT',
  '-s 10.0.0.0/28 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT',
  '-p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT',
  '-m state --state INVALID -j DROP',
  '-i lo -j ACCEPT',
  '-s 10.0.0.4/32 -j ACCEPT',
]
const row = fc
  .tuple(
    fc.integer({ min: 14, max: 20 }),
    fc.constantFrom('ACCEPT', 'DROP'),
    fc.constantFrom('', '-p tcp -m tcp --dport 80 '),
  )
  .map(([length, target, match]) => Array.from({ length }, (_, at) => `-s 10.0.0.${at}/32 ${match}-j ${target}`))
const chain = fc.array(
  fc.oneof(
    fc.constantFrom(...others).map((rule) => [rule]),
    row,
  ),
  { maxLength: 6 },
)

test('what is safe with rows taken as one is safe address by address', { timeout: 60_000 }, () => {
  let safe = 0
  fc.assert(
    fc.property(fc.constantFrom('ACCEPT', 'DROP'), chain, (policy, parts) => {
      const rules = live([`filter INPUT ${policy}`, ...parts.flat()].join('\n'))
      const patch = notrackPatch([rules], [HTTP], { families: ['ip'], backend: 'legacy' })
      if (!patch.safe) return
      safe += 1
      const after = { ...rules, rules: withEdits(rules.rules, patch.edits) }
      const question = questionFor('ip', [rules, after], { ports: [80], budget: 300_000 })
      const passing = (of: typeof rules) => passagesOf(question, [of], HTTP).map(({ passes }) => passes)
      expect(passing(after)).toEqual(passing(rules))
    }),
    { numRuns: 60 },
  )
  expect(safe).toBeGreaterThan(10)
})
