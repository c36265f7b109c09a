import { describe, expect, test } from 'vitest'
import { dropsMidStream } from '../../src/firewall/mid-stream.ts'
import { parseRules } from '../../src/firewall/parse.ts'

const HTTP = { protocol: 'tcp', port: 80 } as const
const IP = { family: 'ip', budget: 100_000 } as const

function live(...rules: readonly string[]) {
  const parsed = parseRules(
    ['*filter', ':INPUT DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n'),
    'ip',
  )
  if (!parsed.known) throw new Error(parsed.why)
  return [{ backend: 'nft', rules: parsed.value } as const]
}

const ESTABLISHED = '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'

describe('a session that tracking meets in the middle', () => {
  test('is picked up where NEW packets to the port are accepted', () => {
    const rules = live(ESTABLISHED, '-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 80 -j ACCEPT')
    expect(dropsMidStream(rules, HTTP, IP)).toBeNull()
  })

  test('is lost to a rule that drops NEW without SYN, which is named', () => {
    const strict = '-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP'
    const rules = live(ESTABLISHED, strict, '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT')
    expect(dropsMidStream(rules, HTTP, IP)).toBe(`filter: ${strict}`)
  })

  test('is lost to the policy where only a SYN may be NEW', () => {
    const syn = '-A INPUT -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT'
    expect(dropsMidStream(live(ESTABLISHED, syn), HTTP, IP)).toContain('policy of INPUT')
  })

  test('is lost to the rule that keeps a server from speaking first', () => {
    const drop = '-A OUTPUT -p tcp -m conntrack --ctstate NEW -j DROP'
    const accept = '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT'
    expect(dropsMidStream(live(ESTABLISHED, accept, drop), HTTP, IP)).toBe(`filter: ${drop}`)
    const elsewhere = '-A OUTPUT -d 192.0.2.0/24 -p tcp -m conntrack --ctstate NEW -j ACCEPT'
    expect(dropsMidStream(live(ESTABLISHED, accept, elsewhere, drop), HTTP, IP)).toBe(`filter: ${drop}`)
    const open = '-A OUTPUT -p tcp -m tcp --sport 80 -j ACCEPT'
    expect(dropsMidStream(live(ESTABLISHED, accept, open, drop), HTTP, IP)).toBeNull()
  })

  test('is of no matter to UDP', () => {
    expect(dropsMidStream(live(ESTABLISHED), { protocol: 'udp', port: 53 }, IP)).toBeNull()
  })
})
