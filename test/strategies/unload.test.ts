import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/firewall/parse.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'
import type { Module } from '../../src/model/facts.ts'
import { known, type Reading, unknown } from '../../src/model/reading.ts'
import { analyseUnload } from '../../src/strategies/unload-analysis.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

type Changes = Parameters<typeof factsWith>[0]

const STATE = '-m state --state RELATED,ESTABLISHED -j ACCEPT'

const module = (name: string, references: number, ...holders: readonly string[]): Module => ({
  name,
  references,
  holders,
})
const TRACKER = module('nf_conntrack', 1, 'xt_conntrack')
const LOADED = known([TRACKER, module('xt_conntrack', 1)])

const linux = (major: number, minor: number) => known({ release: `${major}.${minor}.0`, major, minor })
const settings = known({ tcp_loose: '1', enable_hooks: '0' })
const SWITCHED_ON = known({ tcp_loose: '1', enable_hooks: '1' })
const builtIn = { form: known('built-in' as const), settings }
const noModules = { loadable: known(false), loaded: known([]) }

describe('the form', () => {
  test('modules, where they can go', () => {
    const unload = analysed({ modules: { loaded: LOADED } })
    expect(unload).toMatchObject({
      possible: known(true),
      form: 'modules',
      modules: ['xt_conntrack', 'nf_conntrack'],
      modulesStay: '',
      blockers: [],
    })
    expect(unload.edits).toMatchObject([{ action: 'remove', spec: STATE }])
  })

  test.each<[string, Changes, RegExp]>([
    ['tracking is built in', { conntrack: builtIn, modules: noModules }, /built into this kernel/],
    [
      'the modules are the node’s',
      { conntrack: { settings }, system: { container: known('lxc') }, modules: { loaded: LOADED } },
      /belong to the machine that this lxc runs on/,
    ],
    [
      'the kernel has closed the door on modules',
      { conntrack: { settings }, modules: { loaded: LOADED, loadable: known(false) } },
      /modules_disabled/,
    ],
    [
      'another network namespace uses one',
      { conntrack: { settings }, modules: { loaded: known([TRACKER, module('xt_conntrack', 5)]) } },
      /module xt_conntrack is used by more than the rules here/,
    ],
    [
      'somebody reads the table',
      {
        conntrack: { settings },
        modules: {
          loaded: known([module('nf_conntrack', 1, 'nf_conntrack_netlink'), module('nf_conntrack_netlink', 1)]),
        },
      },
      /module nf_conntrack_netlink is used by something other/,
    ],
    [
      'the kernel does not count who uses them',
      { conntrack: { settings }, modules: { loaded: known([{ ...TRACKER, references: null }]) } },
      /does not count who uses module/,
    ],
  ])('hooks, where %s', (_title, facts, stay) => {
    const unload = analysed(facts)
    expect(unload).toMatchObject({ possible: known(true), form: 'hooks', modules: [], blockers: [], why: '' })
    expect(unload.modulesStay).toMatch(stay)
    expect(unload.edits).toHaveLength(1)
  })
})

describe('what keeps the hooks on', () => {
  const withNft = (...objects: readonly object[]) => ({
    firewall: { nftRuleset: known(JSON.stringify({ nftables: objects })) },
  })
  const inTable = { family: 'ip', table: 'own' }

  test.each<[string, Changes, RegExp]>([
    [
      'a kernel from before they could go',
      { system: { kernel: linux(3, 10) } },
      /built in.*Linux 3\.10\.0 tracks without/,
    ],
    [
      'one that has them on from the start',
      { system: { kernel: linux(4, 13) } },
      /Linux 4\.13\.0 tracks without any rule/,
    ],
    [
      'the kernel’s command line',
      { conntrack: { ...builtIn, settings: SWITCHED_ON } },
      /enable_hooks is on the kernel/,
    ],
    [
      'the options of modules',
      {
        conntrack: { settings },
        modules: { loadable: known(false), loaded: LOADED },
        persistence: {
          files: known([{ path: '/etc/modprobe.d/a.conf', lines: ['options nf_conntrack acct=1 enable_hooks=1'] }]),
        },
      },
      /modprobe\.d\/a\.conf sets enable_hooks/,
    ],
    [
      'a module that may track by itself',
      {
        conntrack: { settings },
        modules: { loaded: known([module('nf_conntrack', 1, 'openvswitch'), module('openvswitch', 6)]) },
      },
      /module openvswitch is used by something other.*may track by itself/,
    ],
    [
      'an object of nft, though no rule names it',
      withNft({ 'ct helper': { ...inTable, name: 'ftp' } }, { 'ct timeout': { ...inTable, name: 'short' } }),
      /nft's ct helper "ftp" in ip own needs tracking \(and 1 more\)/,
    ],
    [
      'a set of nft that counts connections',
      withNft({ set: { ...inTable, name: 's', stmt: [{ 'ct count': { val: 5 } }] } }),
      /nft's set "s" in ip own/,
    ],
    [
      'a rule of nft in a chain that no packet comes through',
      withNft({ rule: { ...inTable, chain: 'c', expr: [{ vmap: { key: { ct: { key: 'mark' } }, data: '@m' } }] } }),
      /nft's a rule in chain "ip own c" needs tracking/,
    ],
  ])('%s', (_title, facts, why) => {
    const unload = analysed({ conntrack: builtIn, modules: noModules, ...facts })
    expect(unload.possible).toEqual(known(false))
    expect(unload.why).toMatch(why)
    expect(unload.edits).toEqual([])
  })

  test.each<[string, Changes, RegExp]>([
    ['the kernel', { system: { kernel: unknown('uname printed nothing') } }, /uname printed nothing/],
    ['the command line', { conntrack: { ...builtIn, settings: known({ tcp_loose: '1' }) } }, /\/proc\/cmdline/],
    [
      'whose modules they are',
      { conntrack: { settings }, system: { container: unknown('no namespaces') }, modules: { loaded: LOADED } },
      /no namespaces/,
    ],
    [
      'whether an empty nat chain does, on a kernel where that was not tried',
      {
        system: { kernel: linux(4, 18) },
        ...withNft({ chain: { ...inTable, name: 'pre', type: 'nat', hook: 'prerouting' } }),
      },
      /"ip own pre" of type nat/,
    ],
  ])('is not known without knowing %s', (_title, facts, why) => {
    const unload = analysed({ conntrack: builtIn, modules: noModules, ...facts })
    expect(unload.possible.known).toBe(false)
    expect(unload.why).toMatch(why)
  })

  test.each([
    ['notrack', { rule: { ...inTable, chain: 'c', expr: [{ notrack: null }] } }],
    ['a chain of type nat without rules', { chain: { ...inTable, name: 'pre', type: 'nat', hook: 'prerouting' } }],
    ['a set of ports', { set: { ...inTable, name: 's', elem: [22, 80] } }],
  ])('not %s of nft', (_title, object) => {
    expect(analysed({ conntrack: builtIn, modules: noModules, ...withNft(object) }).possible).toEqual(known(true))
  })

  test('not a rule of iptables that goes away, though nft shows it too', () => {
    const shown = withNft({ rule: { family: 'ip', table: 'filter', chain: 'INPUT', expr: [{ xt: null }] } })
    expect(analysed({ conntrack: builtIn, modules: noModules, ...shown }).possible).toEqual(known(true))
  })
})

describe('what stands in the way', () => {
  const DROP = { policy: 'DROP', rules: [STATE, '-p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT'] }

  test('is named rule first, with how many more there are', () => {
    const { blockers, why } = analysed({ conntrack: builtIn, modules: noModules }, rules(DROP))
    expect(blockers).toEqual([
      expect.stringMatching(/^without it, packets in filter INPUT .*: .*state.*\(and 1 more rule needs tracking\)$/),
    ])
    expect(why).toBe(blockers[0])
  })

  test('comes in the order of what can be done about it: managers, rules, other users, the kernel', () => {
    const present = known([
      { name: 'docker', sign: 'process dockerd' },
      { name: 'fail2ban', sign: 'process fail2ban-server' },
      { name: 'lvs', sign: 'services in /proc/net/ip_vs' },
    ] as const)
    const unload = analysed(
      {
        conntrack: { settings },
        managers: { present },
        modules: { loaded: known([module('nf_conntrack', 1, 'ip_vs'), module('ip_vs', 3)]) },
        system: { kernel: linux(4, 4) },
      },
      rules(DROP),
    )
    expect(unload.blockers).toEqual([
      'docker is here (process dockerd), and so is lvs: each needs tracking or puts its rules back',
      expect.stringContaining('packets in filter INPUT'),
      expect.stringMatching(/^module ip_vs .*may track by itself$/),
      expect.stringContaining('Linux 4.4.0'),
    ])
    expect(unload.why).toBe(unload.blockers.join('; '))
  })

  test('decides before what is not known', () => {
    const facts = { conntrack: builtIn, modules: noModules, managers: { present: unknown('too many processes') } }
    expect(analysed(facts, rules(DROP)).possible).toEqual(known(false))
    expect(analysed(facts).possible.known).toBe(false)
    expect(analysed({}, unknown('no nft to list them'))).toMatchObject({ why: 'no nft to list them', edits: [] })
  })

  test('is that nothing is loaded, where nothing is', () => {
    const absent = analysed({ conntrack: { form: known('absent') }, modules: { loaded: known([]) } }, known([]))
    expect(absent).toMatchObject({ possible: known(false), form: 'modules', why: 'the conntrack module is not loaded' })
  })
})

describe('whether the table can be emptied', () => {
  const closed = { loadable: known(false), loaded: known([TRACKER]) }

  test.each<[string, Changes, boolean]>([
    ['with the program', {}, true],
    ['without it', { conntrack: { tool: known(false) } }, false],
    ['with no way to load what it needs', { modules: closed }, false],
    ['with that built in', { modules: { ...closed, builtin: known(['nf_conntrack_netlink']) } }, true],
    ['with that loaded', { modules: { ...closed, loaded: known([module('nf_conntrack_netlink', 0)]) } }, true],
    ['on a kernel without modules', { modules: noModules }, true],
  ])('%s', (_title, facts, can) => {
    expect(analysed(facts).canFlush).toEqual(known(can))
  })
})

function analysed(facts: Changes, live: Reading<readonly LiveRules[]> = rules()) {
  return analyseUnload(factsWith(facts), live)
}

function rules(given: { policy?: string; rules?: readonly string[] } = {}): Reading<readonly LiveRules[]> {
  const { policy = 'ACCEPT', rules: specs = [STATE] } = given
  const text = ['*filter', `:INPUT ${policy} [0:0]`, ...specs.map((spec) => `-A INPUT ${spec}`), 'COMMIT', '']
  const parsed = parseRules(text.join('\n'), 'ip')
  return parsed.known ? known([{ backend: 'nft', rules: parsed.value }]) : parsed
}
