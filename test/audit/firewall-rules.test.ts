import { describe, expect, test } from 'vitest'
import type { Facts, Listener } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { findingsIn, foundBy, rulesOf } from './auditing.ts'

const STATEFUL = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
`
const OPEN_PORT = STATEFUL.replace('--dport 80 -m conntrack --ctstate NEW', '--dport 80')
const raw = (...rules: readonly string[]) =>
  `*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`
const ASKED = '-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack'
const ANSWERED = '-A OUTPUT -p tcp -m tcp --sport 80 -j CT --notrack'

const host = (ip: string | null, ip6: string | null = null): Facts => factsWith({ firewall: rulesOf(ip, ip6) })

describe('ports left untracked by anybody', () => {
  test('an accept that asks for a state takes no untracked packet: the port is cut off, and the rule is named', () => {
    const [finding, ...others] = foundBy('notrack-broken', host(raw(ASKED, ANSWERED) + STATEFUL))
    expect(others).toEqual([])
    expect(finding).toMatchObject({
      severity: 'critical',
      title: 'tcp port 80 in IPv4 is left untracked, and packets to it that were let through are dropped',
      evidence: [`untracked by raw: ${ASKED}`, 'dropped by filter: policy of INPUT'],
    })
  })

  test('an accept by port alone takes them, and so nothing is found', () => {
    expect(foundBy('notrack-broken', host(raw(ASKED, ANSWERED) + OPEN_PORT))).toEqual([])
    expect(foundBy('notrack-half', host(raw(ASKED, ANSWERED) + OPEN_PORT))).toEqual([])
  })

  test('answers that only pass by their state are lost on the way out', () => {
    const closed = OPEN_PORT.replace(':OUTPUT ACCEPT', ':OUTPUT DROP').replace(
      'COMMIT',
      '-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT',
    )
    expect(foundBy('notrack-broken', host(raw(ASKED, ANSWERED) + closed))).toMatchObject([
      {
        title: expect.stringContaining('packets from it'),
        evidence: [`untracked by raw: ${ASKED}`, 'dropped by filter: policy of OUTPUT'],
      },
    ])
  })

  const halves: readonly [rules: string, title: string | null][] = [
    [raw(ASKED), 'only half left untracked: IPv4 tcp port 80, but not the packets from it'],
    [raw(ANSWERED), 'only half left untracked: IPv4 tcp port 80, but not the packets to it'],
    [raw(ASKED, ANSWERED), null],
    // A flow that passes through has both its directions in PREROUTING.
    [raw(ASKED, '-A PREROUTING -p tcp -m tcp --sport 80 -j CT --notrack'), null],
    [raw(ASKED, ANSWERED.replace('--sport 80', '--sport 443')), 'IPv4 tcp port 443, but not the packets to it'],
    [raw('-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT --notrack', ANSWERED), 'tcp port 80,443, but not'],
    // Of all that leaves, this may be the other half: nothing is claimed.
    [raw(ASKED, '-A OUTPUT -s 192.0.2.1/32 -j CT --notrack'), null],
    [raw(ASKED.replace('-p tcp', '-i lo -p tcp')), null],
  ]
  test.each(halves)('half done or whole: %s', (rules, title) => {
    const found = foundBy('notrack-half', host(rules + OPEN_PORT))
    expect(found.map((finding) => finding.title)).toEqual(title === null ? [] : [expect.stringContaining(title)])
  })

  test('nothing is said of rules that could not be read, but that they could not', () => {
    const why = 'nft list ruleset needs root'
    const findings = findingsIn(factsWith({ firewall: { ...rulesOf(raw(ASKED)), nftRuleset: unknown(why) } }))
    expect(findings.filter(({ rule }) => rule.startsWith('notrack'))).toEqual([])
    const [untold] = findings.filter(({ rule }) => rule === 'cannot-tell')
    expect(untold?.evidence.join()).toContain(why)
    expect(untold?.title).toContain('whether rules leave only half of a flow untracked')
  })
})

describe('IPv6 forgotten', () => {
  const onIpv6 = (ip: string | null, ip6: string | null, ...sockets: readonly Listener[]) =>
    factsWith({
      firewall: rulesOf(ip, ip6),
      listeners: {
        sockets: known(sockets),
        addresses: known(['192.0.2.1', '127.0.0.1', '::1', '2001:db8::1']),
      },
    })
  const web: Listener = { protocol: 'tcp', address: '::', port: 80 }

  test('closed by default on IPv4, open on IPv6', () => {
    expect(foundBy('ipv6-forgotten', onIpv6(OPEN_PORT, null, web))).toMatchObject([
      { evidence: ['IPv4: filter: policy of INPUT', 'listening on IPv6: 80/tcp'] },
    ])
  })

  test('a last rule that refuses all is as good as a policy, on either side', () => {
    const refusing = OPEN_PORT.replace(':INPUT DROP', ':INPUT ACCEPT').replace('COMMIT', '-A INPUT -j REJECT\nCOMMIT')
    expect(foundBy('ipv6-forgotten', onIpv6(refusing, null, web))).toHaveLength(1)
    expect(foundBy('ipv6-forgotten', onIpv6(OPEN_PORT, refusing, web))).toEqual([])
  })

  test('no matter where nobody listens, or nobody comes from outside', () => {
    expect(foundBy('ipv6-forgotten', onIpv6(OPEN_PORT, null, { ...web, address: '::1' }))).toEqual([])
    const inside = factsWith({
      firewall: rulesOf(OPEN_PORT),
      listeners: { sockets: known([web]), addresses: known(['192.0.2.1', '::1', 'fe80::1']) },
    })
    expect(foundBy('ipv6-forgotten', inside)).toEqual([])
  })

  test('a table of family inet counts for both', () => {
    const nftRuleset = JSON.stringify({
      nftables: [
        { table: { family: 'inet', name: 'filter', handle: 1 } },
        {
          chain: {
            family: 'inet',
            table: 'filter',
            name: 'input',
            handle: 1,
            type: 'filter',
            hook: 'input',
            prio: 0,
            policy: 'drop',
          },
        },
      ],
    })
    const facts = onIpv6(null, null, web)
    const inet = { ...facts, firewall: { ...facts.firewall, nftRuleset: known(nftRuleset) } }
    expect(foundBy('ipv6-forgotten', inet)).toEqual([])
  })

  test('a port left untracked on IPv4 alone, where it is heard on IPv6 too', () => {
    const both = raw(ASKED, ANSWERED)
    expect(foundBy('ipv6-forgotten', onIpv6(both, null, web))).toMatchObject([
      {
        title: 'left untracked on IPv4 and tracked on IPv6: tcp port 80',
        remedy: 'ctfleet plan --strategy notrack --ports 80/tcp --limit HOST',
      },
    ])
    expect(foundBy('ipv6-forgotten', onIpv6(both, both, web))).toEqual([])
    expect(foundBy('ipv6-forgotten', onIpv6(both, null, { ...web, port: 443 }))).toEqual([])
  })
})
