import { describe, expect, test } from 'vitest'
import { withEdits } from '../../src/firewall/edits.ts'
import { removableStatefulRules, statefulRules } from '../../src/firewall/stateful.ts'
import { live } from './dump.ts'

test('an open firewall loses its stateful rules, each with its neighbours', () => {
  const rules = live(`
    filter INPUT ACCEPT
    -m state --state RELATED,ESTABLISHED -j ACCEPT
    -s 10.0.0.0/8 -j ACCEPT
    -p tcp -m conntrack --ctstate NEW -j LOG
    raw PREROUTING ACCEPT
    -p tcp -m tcp --dport 80 -j CT --notrack
  `)
  const removal = removableStatefulRules([rules])
  if (!removal.removable) throw new Error(removal.why)
  expect(removal.edits.map(({ table, chain, spec, after, before }) => [table, chain, spec, after, before])).toEqual([
    ['filter', 'INPUT', '-m state --state RELATED,ESTABLISHED -j ACCEPT', null, '-s 10.0.0.0/8 -j ACCEPT'],
    ['filter', 'INPUT', '-p tcp -m conntrack --ctstate NEW -j LOG', '-s 10.0.0.0/8 -j ACCEPT', null],
    ['raw', 'PREROUTING', '-p tcp -m tcp --dport 80 -j CT --notrack', null, null],
  ])
  expect(statefulRules([{ ...rules, rules: withEdits(rules.rules, removal.edits.slice(0, 1)) }])).toHaveLength(2)
})

test('reasons are named', () => {
  const rules = live(`
    filter INPUT ACCEPT
    -m connlimit --connlimit-above 5 -j DROP
    -m recent --set --name ssh
    mangle PREROUTING ACCEPT
    -j CONNMARK --save-mark
    nat PREROUTING ACCEPT
    -p tcp -j ACCEPT
  `)
  expect(statefulRules([rules]).map(({ because }) => because)).toEqual([
    'match connlimit',
    'target CONNMARK',
    'table nat',
  ])
})

describe('a stateful rule that decides stays, and is named', () => {
  const cases: readonly [name: string, chains: string, rule: string][] = [
    [
      'answers behind a default drop',
      `filter INPUT DROP
       -m state --state RELATED,ESTABLISHED -j ACCEPT
       -p tcp -m tcp --dport 22 -j ACCEPT`,
      'filter: -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT',
    ],
    [
      'an INVALID drop before accepts',
      `filter INPUT ACCEPT
       -m state --state ESTABLISHED -j ACCEPT
       -m conntrack --ctstate INVALID -j DROP`,
      'filter: -A INPUT -m conntrack --ctstate INVALID -j DROP',
    ],
    [
      'NAT',
      `nat POSTROUTING ACCEPT
       -o eth0 -j MASQUERADE`,
      'nat: -A POSTROUTING -o eth0 -j MASQUERADE',
    ],
    [
      'marks by state',
      `mangle PREROUTING ACCEPT
       -m state --state NEW -j MARK --set-xmark 0x1/0x1`,
      'mangle: -A PREROUTING -m state --state NEW -j MARK --set-xmark 0x1/0x1',
    ],
    [
      'a list that a kept rule reads',
      `filter INPUT ACCEPT
       -m state --state NEW -m recent --set --name ssh
       -m recent --rcheck --name ssh --hitcount 9 -j DROP`,
      'filter: -A INPUT -m state --state NEW -m recent --set --name ssh',
    ],
    [
      'a limit that established packets pass by',
      `filter INPUT ACCEPT
       -p tcp -m tcp --dport 80 -m state --state ESTABLISHED -j ACCEPT
       -p tcp -m limit --limit 9/sec -j ACCEPT
       -p tcp -m tcp --dport 80 -j ACCEPT
       -p tcp -j DROP`,
      'filter: -A INPUT -p tcp -m limit --limit 9/sec -j ACCEPT',
    ],
  ]
  test.each(cases)('%s', (_, chains, rule) => {
    expect(removableStatefulRules([live(chains)])).toMatchObject({ removable: false, rule })
  })
})

describe('pieces of datagrams, which tracking no longer puts together', () => {
  const DNS = '-p udp -m udp --dport 53 -j ACCEPT'
  const lost: readonly [name: string, chains: string, rule: string][] = [
    ['a default drop behind a port', `filter INPUT DROP\n${DNS}`, `filter: -A INPUT ${DNS}`],
    [
      'a reject behind a list of ports',
      `filter INPUT ACCEPT
       -p udp -m multiport --dports 53,123 -j ACCEPT
       -j REJECT --reject-with icmp-port-unreachable`,
      'filter: -A INPUT -p udp -m multiport --dports 53,123 -j ACCEPT',
    ],
    [
      'a port that is not the one',
      `filter INPUT DROP
       -p udp -m udp ! --dport 53 -j ACCEPT`,
      'filter: -A INPUT -p udp -m udp ! --dport 53 -j ACCEPT',
    ],
    [
      'a drop of what is in pieces',
      `filter INPUT ACCEPT
       -f -j DROP`,
      'filter: policy of INPUT',
    ],
  ]
  test.each(lost)('%s', (_, chains, rule) => {
    const why = 'fragments of accepted datagrams would be dropped without tracking'
    expect(removableStatefulRules([live(chains)])).toEqual({ removable: false, why, rule })
  })

  test.each([
    ['TCP', 'filter INPUT DROP\n-p tcp -m tcp --dport 80 -j ACCEPT'],
    ['nothing drops', `filter INPUT ACCEPT\n${DNS}`],
    ['another rule accepts all of them', `filter INPUT DROP\n${DNS}\n-p udp -j ACCEPT`],
    ['a port is dropped', 'filter INPUT ACCEPT\n-p udp -m udp --dport 53 -j DROP'],
    ['on the way out nothing is in pieces', 'filter OUTPUT DROP\n-p udp -m udp --sport 53 -j ACCEPT'],
  ])('are of no matter where %s', (_, chains) => {
    expect(removableStatefulRules([live(chains)])).toMatchObject({ removable: true })
  })
})
