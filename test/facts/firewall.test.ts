import { describe, expect, test } from 'vitest'
import { firewall } from '../../src/facts/firewall.ts'
import type { Section } from '../../src/shell/bundle.ts'
import { answers } from './answers.ts'

const FILTER = '*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n'

function read(overview: readonly string[], given: Readonly<Record<string, string | Partial<Section>>> = {}) {
  const quiet = Object.fromEntries(firewall.probes.map(({ name }) => [name, '']))
  return firewall.parse(answers({ ...quiet, ...given, firewall: `proc\n${overview.join('\n')}\n` }))
}

describe('legacy rules', () => {
  const live = ['root', 'nf_tables no', 'legacy iptables', 'registered ip', '/proc/net/ip_tables_names:filter']

  test('a family that is not registered has none, and neither has one without tables', () => {
    expect(read(['root', 'nf_tables no', 'registered ip']).legacy).toEqual({
      ip: { known: true, value: null },
      ip6: { known: true, value: null },
    })
  })
  test('what iptables-save printed is taken as it is', () => {
    expect(read(live, { 'firewall-legacy-ip': FILTER }).legacy.ip).toEqual({ known: true, value: FILTER })
  })
  test.each([
    ['no root', live.slice(1), {}, 'only root may list legacy rules'],
    [
      'no tool',
      live.filter((line) => !line.startsWith('legacy')),
      {},
      'legacy tables are live, and no iptables-save on the host serves them',
    ],
    ['a tool that fails', live, { 'firewall-legacy-ip': { code: 3 } }, 'iptables-save exited 3'],
    [
      'a dump without end',
      live,
      { 'firewall-legacy-ip': { output: FILTER, truncated: true } },
      'iptables-save printed more than 4194304 bytes',
    ],
  ])('%s leaves them unknown', (_, overview, given, why) => {
    expect(read(overview, given).legacy.ip).toEqual({ known: false, why })
  })
})

describe('rules in nf_tables', () => {
  const there = ['root', 'nf_tables yes', 'nft iptables-nft', 'program nft']
  const METAINFO = '{"nftables": [{"metainfo": {"version": "1.0.6"}}]}'
  const TABLE = '{"nftables": [{"metainfo": {}}, {"table": {"family": "ip", "name": "filter", "handle": 1}}]}'

  test('where nf_tables is not loaded there are none, whoever asks', () => {
    const none = { known: true, value: null }
    expect(read(['nf_tables no'])).toMatchObject({ nft: { ip: none, ip6: none }, nftRuleset: none })
  })
  test('an empty ruleset is none', () => {
    const seen = read(there, { 'firewall-nft-ruleset': METAINFO })
    expect(seen.nftRuleset).toEqual({ known: true, value: null })
    expect(seen.nft.ip).toEqual({ known: true, value: null })
  })
  test("tables of iptables without its tool are read from nft's own listing", () => {
    const noTool = there.filter((line) => !line.startsWith('nft '))
    expect(read(noTool, { 'firewall-nft-ruleset': TABLE }).nft).toMatchObject({
      ip: { value: null },
      ip6: { value: null },
    })
    expect(read(noTool, { 'firewall-nft-ruleset': TABLE }).nftRuleset).toEqual({ known: true, value: TABLE })
  })
  test.each([
    ['no root', there.slice(1), {}, /^only root/],
    ['no way to tell whether asking would load it', ['root', 'nf_tables unknown'], {}, /whether asking would load it$/],
    ['no nft', ['root', 'nf_tables yes'], {}, /no nft on the host/],
    ['an nft without JSON', there, { 'firewall-nft-ruleset': { code: 1 } }, /exited 1$/],
    ['an nft that prints something else', there, { 'firewall-nft-ruleset': 'table ip x {\n}\n' }, /no JSON$/],
  ])('%s leaves the ruleset unknown', (_, overview, given, why) => {
    const { nftRuleset } = read(overview, given)
    expect(nftRuleset).toMatchObject({ known: false, why: expect.stringMatching(why) })
  })
})

describe('the raw table', () => {
  const raw = (...overview: string[]) => read(overview).rawTable
  test.each([
    ['Linux 2.4 has none', ['root', 'nf_tables no', 'release 2.4.37'], false],
    ['nf_tables can do the same', ['nf_tables yes', 'release 6.1.0'], true],
    ['it is there', ['nf_tables no', 'release 2.6.18', '/proc/net/ip_tables_names:raw'], true],
    [
      'it can be loaded',
      ['nf_tables no', 'release 2.6.18', 'dependencies', '/lib/modules/x/modules.dep:kernel/iptable_raw.ko:'],
      true,
    ],
    ['the kernel came without', ['nf_tables no', 'release 2.6.9', 'dependencies'], false],
  ])('%s', (_, overview, value) => {
    expect(raw(...overview)).toEqual({ known: true, value })
  })
  test('without /lib/modules nobody knows', () => {
    expect(raw('nf_tables no', 'release 2.6.32')).toMatchObject({ known: false })
  })
})

test('no /proc is no answer', () => {
  const { legacy, nft, tools } = firewall.parse(answers({ firewall: 'root\nnf_tables no\n' }))
  for (const reading of [legacy.ip, nft.ip6, tools])
    expect(reading).toEqual({ known: false, why: '/proc/net could not be read' })
})
