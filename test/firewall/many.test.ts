import { expect, test } from 'vitest'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { Work } from '../../src/firewall/work.ts'
import { live } from './dump.ts'

const HTTP = { protocol: 'tcp', port: 80 } as const
const IPV4 = { families: ['ip'], backend: 'legacy' } as const

/** A server that names each of its customers' networks. */
function allowList(networks: number) {
  const accepts = Array.from(
    { length: networks },
    (_, each) => `-s 10.${each >> 8}.${each & 255}.0/25 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT`,
  )
  return live(`
    filter INPUT DROP
    -i lo -j ACCEPT
    -p icmp -j ACCEPT
    -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    ${accepts.join('\n    ')}
    filter OUTPUT ACCEPT
  `)
}

test('each of many accepts that ask for a new connection gets its twin', () => {
  const patch = notrackPatch([allowList(150)], [HTTP], IPV4)
  if (!patch.safe) throw new Error(patch.why)
  const twins = patch.edits.filter(({ table, spec }) => table === 'filter' && spec.startsWith('-s 10.'))
  expect(twins).toHaveLength(150)
})

test('more than anybody would read are refused', () => {
  const patch = notrackPatch([allowList(310)], [HTTP], IPV4)
  expect(patch).toMatchObject({
    safe: false,
    why: expect.stringContaining(' rules depend on a state here, each would need one of ours'),
  })
})

test('what cannot be judged within the steps that are granted is refused, the same everywhere', () => {
  const rules = [allowList(150)]
  const whole = new Work()
  expect(notrackPatch(rules, [HTTP], { ...IPV4, work: whole }).safe).toBe(true)
  const granted = whole.done
  expect(notrackPatch(rules, [HTTP], { ...IPV4, work: new Work(granted) }).safe).toBe(true)
  const tooLittle = notrackPatch(rules, [HTTP], { ...IPV4, work: new Work(granted - 1) })
  expect(tooLittle).toMatchObject({ safe: false, why: expect.stringContaining(`more than ${granted - 1} steps`) })
})
