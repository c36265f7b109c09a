import { describe, expect, test } from 'vitest'
import { questionFor } from '../../src/firewall/evaluate.ts'
import { dropsMidStreamOnce, notrackPatchOnce } from '../../src/firewall/judged-once.ts'
import { dropsMidStream } from '../../src/firewall/mid-stream.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { LATER_IN, type Service } from '../../src/firewall/packet.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import { toldApart } from '../../src/firewall/question.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'

/** What is remembered of one host is an answer for another only where nothing differs that the verdict rests on. */

const WEB: Service = { protocol: 'tcp', port: 80 }
const HOST = {
  families: ['ip'],
  backend: 'nft',
  addresses: ['192.0.2.1'],
  helperModules: ['nf_conntrack', 'xt_CT'],
} as const

function filter(...rules: readonly string[]): readonly LiveRules[] {
  return live(['*filter', ':INPUT DROP [0:0]', ...rules, 'COMMIT', ''].join('\n'))
}

function live(dump: string): readonly LiveRules[] {
  const rules = parseRules(dump, 'ip')
  if (!rules.known) throw new Error(rules.why)
  return [{ backend: 'nft', rules: rules.value }]
}

const STATEFUL = [
  '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A INPUT -p tcp --dport 80 -j ACCEPT',
]
const REDIRECT = [
  ['*nat', ':PREROUTING ACCEPT [0:0]', '-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.0.2.1:80'],
  ['COMMIT', '*filter', ':INPUT DROP [0:0]', ...STATEFUL, 'COMMIT', ''],
].flat()

describe('hosts with the same rules', () => {
  test('are answered alike, and the second costs nothing', () => {
    const first = notrackPatchOnce(filter(...STATEFUL), [WEB], HOST)
    expect(first).toEqual(notrackPatch(filter(...STATEFUL), [WEB], HOST))
    const second = { ...HOST, addresses: ['192.0.2.2'], helperModules: ['xt_CT', 'nf_conntrack'] }
    expect(notrackPatchOnce(filter(...STATEFUL), [WEB], second)).toEqual(
      notrackPatch(filter(...STATEFUL), [WEB], second),
    )
    expect(notrackPatchOnce(filter(...STATEFUL), [WEB], { ...HOST, addresses: ['192.0.2.2'] })).toBe(first)
  })

  test.each([
    ['other rules', filter(...STATEFUL, '-A INPUT -s 192.0.2.7/32 -j ACCEPT'), [WEB], HOST],
    ['another port', filter(...STATEFUL), [{ protocol: 'tcp', port: 21 }], HOST],
    ['both families', filter(...STATEFUL), [WEB], { ...HOST, families: ['ip', 'ip6'] }],
    ['another backend', filter(), [WEB], { ...HOST, backend: 'legacy' }],
    ['an old kernel', filter(...STATEFUL), [WEB], { ...HOST, oldTarget: true }],
    [
      'a helper',
      filter(...STATEFUL),
      [{ protocol: 'tcp', port: 21 }],
      { ...HOST, helperModules: ['nf_conntrack_ftp'] },
    ],
    ['an address that is sent to the port', live(REDIRECT.join('\n')), [WEB], HOST],
    ['no address that is', live(REDIRECT.join('\n')), [WEB], { ...HOST, addresses: ['192.0.2.2'] }],
  ] as const)('%s: asked anew', (_, rules, services, host) => {
    notrackPatchOnce(filter(...STATEFUL), [WEB], HOST)
    notrackPatchOnce(live(REDIRECT.join('\n')), [WEB], { ...HOST, addresses: ['192.0.2.3'] })
    expect(notrackPatchOnce(rules, services, host)).toEqual(notrackPatch(rules, services, host))
  })
})

test('what a packet meets in the middle of a connection is answered for these rules alone', () => {
  const on = { family: 'ip', budget: 10_000 } as const
  const picked = filter('-A INPUT -p tcp --dport 80 -j ACCEPT')
  const dropped = filter('-A INPUT -p tcp -m tcp ! --syn -m conntrack --ctstate NEW -j DROP', ...STATEFUL)
  for (const rules of [picked, dropped, picked]) {
    expect(dropsMidStreamOnce(rules, WEB, on)).toEqual(dropsMidStream(rules, WEB, on))
  }
  expect(dropsMidStreamOnce(dropped, WEB, on)).toContain('! --syn')
})

test('sets of flags are asked about apart only where a rule tells them apart', () => {
  const setsWith = (rule: string) =>
    toldApart(questionFor('ip', filter(rule), { ports: [80], budget: 1000 }), LATER_IN).length
  expect(setsWith('-A INPUT -p tcp --dport 80 -j ACCEPT')).toBe(1)
  expect(setsWith('-A INPUT -p tcp --tcp-flags RST RST -j ACCEPT')).toBe(2)
  expect(setsWith('-A INPUT -p tcp --tcp-flags ALL FIN,ACK -j ACCEPT')).toBe(2)
})
