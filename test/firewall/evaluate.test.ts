import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decidedBy } from '../../src/firewall/decider.ts'
import { fate, questionFor } from '../../src/firewall/evaluate.ts'
import { request, STATES } from '../../src/firewall/packet.ts'
import { chainOf, type LiveRules, type RuleSet } from '../../src/firewall/rules.ts'
import { live } from './dump.ts'

const MATCHES = {
  '-s 10.0.0.0/8': ({ client }: Concrete) => client >> 24n === 10n,
  '! -s 10.1.0.0/16': ({ client }: Concrete) => client >> 16n !== 0x0a01n,
  '-i eth0': ({ iface }: Concrete) => iface === 'eth0',
  '-i eth+': ({ iface }: Concrete) => iface.startsWith('eth'),
  '-p tcp -m tcp --dport 80': () => true,
  '-p tcp -m multiport ! --dports 22,80:90': () => false,
  '-p udp': () => false,
  '-m state --state NEW,RELATED': ({ state }: Concrete) => ['NEW', 'RELATED'].includes(state),
  '-m conntrack ! --ctstate INVALID': ({ state }: Concrete) => state !== 'INVALID',
  '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN': () => false,
  '': () => true,
}
const TARGETS = [
  '-j ACCEPT',
  '-j DROP',
  '-j RETURN',
  '-j LOG',
  '',
  '-j A',
  '-j B',
  '-g A',
  '-g B',
  '-j REJECT',
] as const

type Concrete = { readonly client: bigint; readonly iface: string; readonly state: string }

/** INPUT may lead to A and B, A to B, B to none: loops cannot be loaded. */
const rule = (targets: readonly string[]) =>
  fc.tuple(fc.constantFrom(...Object.keys(MATCHES)), fc.constantFrom(...targets)).map((parts) => parts.join(' ').trim())
const chain = (except: readonly string[]) =>
  fc.array(rule(TARGETS.filter((each) => !except.includes(each))), { maxLength: 5 })

test('the fate of every packet is what a rule-by-rule walk says', () => {
  fc.assert(
    fc.property(
      fc.record({
        policy: fc.constantFrom('ACCEPT', 'DROP'),
        input: chain([]),
        a: chain(['-j A', '-g A']),
        b: chain(['-j A', '-g A', '-j B', '-g B']),
      }),
      ({ policy, input, a, b }) => {
        const rules = live([`filter INPUT ${policy}`, ...input, 'filter A', ...a, 'filter B', ...b].join('\n'))
        for (const state of STATES) expectSameFates(rules, state)
      },
    ),
    { numRuns: 300 },
  )
})

test('with both backends live a packet must pass both', () => {
  const legacy = live('filter INPUT ACCEPT\n-s 10.0.0.0/8 -j DROP')
  const nft = live('filter INPUT DROP\n-s 10.0.0.0/7 -j ACCEPT', 'nft')
  const question = questionFor('ip', [legacy, nft], { ports: [80], budget: 1000 })
  const node = fate(question, [legacy, nft], request('ip', { protocol: 'tcp', port: 80 }, 'wire'))
  const packet = request('ip', { protocol: 'tcp', port: 80 }, 'wire')
  const at = (address: bigint) => {
    const assignment = new Map([['client', question.space.addresses.indexOf(address)]])
    const decided = decidedBy(question, [legacy, nft], packet, assignment)
    expect(decided.end).toBe(question.decisions.valueAt(node, assignment))
    return `${decided.end} by ${decided.site}`
  }
  expect(at(10n << 24n)).toBe('drop by filter: -A INPUT -s 10.0.0.0/8 -j DROP')
  expect(at(11n << 24n)).toBe('accept by filter: -A INPUT -s 10.0.0.0/7 -j ACCEPT')
  expect(at(0n)).toBe('drop by filter: policy of INPUT')
})

test('a chain that leads back to itself is unsure', () => {
  const rules = live('filter INPUT ACCEPT\n-j A\nfilter A\n-j A')
  const question = questionFor('ip', [rules], { ports: [80], budget: 1000 })
  const packet = request('ip', { protocol: 'tcp', port: 80 }, 'wire')
  expect(question.decisions.valueOf(fate(question, [rules], packet))).toBe('unsure')
  expect(decidedBy(question, [rules], packet, new Map())).toMatchObject({
    end: 'unsure',
    site: 'filter: chain A leads back to itself',
  })
})

function expectSameFates(rules: LiveRules, state: (typeof STATES)[number]): void {
  const question = questionFor('ip', [rules], { ports: [80], budget: 10_000 })
  const packet = { ...request('ip', { protocol: 'tcp', port: 80 }, 'wire'), state: { is: state } }
  const node = fate(question, [rules], packet)
  for (const [client, address] of question.space.addresses.entries()) {
    for (const [cell, pattern] of question.space.interfaces.entries()) {
      const at = new Map([
        ['client', client],
        ['in', cell],
      ])
      const told = question.decisions.valueAt(node, at)
      const concrete = { client: address, iface: pattern.replace('+', 'x9'), state }
      expect(told).toBe(walked(rules.rules, concrete))
      expect(decidedBy(question, [rules], packet, at).end).toBe(told)
    }
  }
}

/** What the kernel does, one rule after the other, for one packet. */
function walked(rules: RuleSet, packet: Concrete): 'accept' | 'drop' {
  const run = (name: string): 'accept' | 'drop' | 'back' => {
    for (const { spec, target } of chainOf(rules, 'filter', name)?.rules ?? []) {
      const match = spec.replace(/ ?-[jg] \S+$/, '') as keyof typeof MATCHES
      if (target === null || target.name === 'LOG' || !MATCHES[match](packet)) continue
      if (target.name === 'ACCEPT') return 'accept'
      if (target.name === 'DROP' || target.name === 'REJECT') return 'drop'
      if (target.name === 'RETURN') return 'back'
      const end = run(target.name)
      if (end !== 'back' || target.goto) return end
    }
    return 'back'
  }
  const end = run('INPUT')
  return end !== 'back' ? end : chainOf(rules, 'filter', 'INPUT')?.policy === 'DROP' ? 'drop' : 'accept'
}
