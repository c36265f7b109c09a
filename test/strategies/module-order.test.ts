import { describe, expect, test } from 'vitest'
import { modules } from '../../src/facts/modules.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'
import type { Module } from '../../src/model/facts.ts'
import { known } from '../../src/model/reading.ts'
import { heldFromOutside, unloadOrder } from '../../src/strategies/module-order.ts'
import { answers, corpusFiles, NO_CORPUS } from '../facts/answers.ts'

const module = (name: string, references: number | null, ...holders: readonly string[]): Module => ({
  name,
  references,
  holders,
})

const LOADED = [
  module('xt_conntrack', 1),
  module('nf_nat', 1, 'nft_chain_nat'),
  module('nft_chain_nat', 2),
  module('nf_conntrack', 2, 'xt_conntrack', 'nf_nat'),
  module('nf_defrag_ipv4', 1, 'nf_conntrack'),
  module('x_tables', 1, 'xt_conntrack'),
]

describe('the order in which modules go', () => {
  test('is leaf first, and takes along what only tracking held', () => {
    const order = unloadOrder(LOADED)
    expect(order).toEqual(known(['xt_conntrack', 'nft_chain_nat', 'nf_nat', 'nf_conntrack', 'nf_defrag_ipv4']))
  })

  test('what is not loaded cannot go', () => {
    expect(unloadOrder([module('x_tables', 0)]).known).toBe(false)
  })

  test('a list in which modules hold each other has an end', () => {
    expect(unloadOrder([module('nf_conntrack', 1, 'a'), module('a', 1, 'nf_conntrack')])).toEqual(
      known(['a', 'nf_conntrack']),
    )
  })
})

describe('what holds a module from outside', () => {
  const named = (loaded: readonly Module[], live: readonly LiveRules[] = rules()) =>
    heldFromOutside(
      loaded.map(({ name }) => name),
      loaded,
      live,
    )

  test('an empty nat chain of nft holds its module, and no rule of ours lets it go', () => {
    expect(named([module('nft_chain_nat', 2)])).toEqual([
      { module: 'nft_chain_nat', why: expect.stringContaining('nft_chain_nat'), tracks: false },
    ])
  })

  test('rules here explain as many users as there are rules; one more is somebody else’s', () => {
    const two = rules('-m state --state NEW -j ACCEPT', '-m conntrack --ctstate INVALID -j DROP')
    expect(named([module('xt_conntrack', 2)], two)).toEqual([])
    expect(named([module('xt_conntrack', 3)], two)).toEqual([
      { module: 'xt_conntrack', why: expect.stringContaining('another network namespace'), tracks: false },
    ])
  })

  test('a kernel that does not count users unloads nothing', () => {
    expect(named([module('nf_conntrack', null)])).toMatchObject([{ module: 'nf_conntrack', tracks: false }])
  })

  test.each([
    ['openvswitch', true],
    ['act_ct', true],
    ['nf_conntrack_bridge', true],
    ['nf_flow_table', true],
    ['nf_conntrack_netlink', false],
    ['nfnetlink_cttimeout', false],
    ['nf_conntrack_ftp', false],
  ])('whether the users of %s may track by themselves: %s', (name, tracks) => {
    expect(named([module(name, 1)])).toMatchObject([{ module: name, tracks }])
    expect(named([module(name, 0)])).toEqual([])
  })
})

describe('public lists of modules', () => {
  const lists = corpusFiles('04-kernel/lsmod')
  const failures = corpusFiles('04-kernel/unload-failures')

  test('unload leaf first, with every holder accounted for', (ctx) => {
    if (lists === undefined) return ctx.skip(NO_CORPUS)
    let orders = 0
    for (const [path, text] of lists) {
      const loaded = loadedIn(text)
      const order = unloadOrder(loaded)
      if (!order.known) {
        expect(
          loaded.map(({ name }) => name).filter((name) => /^(nf|ip)_conntrack$/.test(name)),
          path,
        ).toEqual([])
        continue
      }
      orders += 1
      expectLeafFirst(order.value, loaded, path)
    }
    expect(orders).toBeGreaterThan(3)
  })

  test('whose users the kernel does not count (`-`, `-2`) are no lists to unload by', (ctx) => {
    if (lists === undefined) return ctx.skip(NO_CORPUS)
    for (const [path, text] of lists) {
      const uncounted = text.replaceAll(/^(\s*\w+ +\d+ +)\d+/gm, '$1-2')
      const loaded = loadedIn(uncounted)
      const order = unloadOrder(loaded)
      if (!order.known) continue
      const held = heldFromOutside(order.value, loaded, [])
      expect(held.length, path).toBe(order.value.filter((name) => loaded.some((each) => each.name === name)).length)
    }
  })

  test('an idle nf_conntrack_netlink goes before the module that it pins', (ctx) => {
    const [, text] = [...(lists ?? [])].find(([path]) => path.includes('netlink-idle')) ?? []
    if (text === undefined) return ctx.skip(NO_CORPUS)
    const loaded = loadedIn(text)
    const order = unloadOrder(loaded)
    expect(order).toEqual(known(['nf_conntrack_netlink', 'xt_conntrack', 'nf_conntrack']))
    const two = rules('-m state --state NEW -j ACCEPT', '-m conntrack --ctstate INVALID -j DROP')
    expect(heldFromOutside(order.known ? order.value : [], loaded, two)).toEqual([])
  })

  test('Open vSwitch, which tracks by itself, is named where it holds conntrack', (ctx) => {
    if (lists === undefined) return ctx.skip(NO_CORPUS)
    const nodes = [...lists].filter(([, text]) => /^nf_conntrack .*openvswitch/m.test(text))
    expect(nodes.length).toBeGreaterThan(0)
    for (const [path, text] of nodes) {
      const loaded = loadedIn(text)
      const order = unloadOrder(loaded)
      const held = heldFromOutside(order.known ? order.value : [], loaded, [])
      expect(
        held.find((each) => each.module === 'openvswitch'),
        path,
      ).toMatchObject({ tracks: true })
    }
  })

  test('where people failed to unload, each module in the way is one that would have gone before', (ctx) => {
    if (failures === undefined) return ctx.skip(NO_CORPUS)
    let seen = 0
    for (const [path, text] of failures) {
      for (const [, blocked = '', blockers] of text.matchAll(/Module (\w+) is in use(?: by: (.*))?\.?$/gm)) {
        const before = text.slice(0, text.indexOf(`Module ${blocked} is in use`))
        const loaded = loadedIn(before.slice(before.lastIndexOf('lsmod')))
        const order = unloadOrder(loaded)
        if (!order.known) throw new Error(`${path}: ${order.why}`)
        const at = order.value.indexOf(blocked)
        expect(at, `${path}: ${blocked}`).toBeGreaterThan(-1)
        const named = blockers?.trim().split(' ') ?? []
        for (const blocker of named) {
          expect(order.value.slice(0, at), `${path}: ${blocker} before ${blocked}`).toContain(blocker)
        }
        // Where the kernel names nobody it was the rules: its count is above what modules explain.
        const { references, holders = [] } = loaded.find(({ name }) => name === blocked) ?? {}
        if (named.length === 0) expect((references ?? 0) > holders.length || holders.length > 0).toBe(true)
        seen += 1
      }
    }
    expect(seen).toBeGreaterThan(1)
  })
})

/** People paste more than the list: what is no line of it is left out. */
function loadedIn(listing: string): readonly Module[] {
  const rows = listing
    .split('\n')
    .filter((line) => /^\s*[\w-]+\s+\d+\s+(-|\d)/.test(line) || /^[\w ]+\]\s*$/.test(line))
  const { loaded } = modules.parse(answers({ modules: `modules\n${rows.join('\n')}\nmodules end\n` }))
  if (!loaded.known) throw new Error(loaded.why)
  return loaded.value
}

function expectLeafFirst(order: readonly string[], loaded: readonly Module[], path: string): void {
  expect(new Set(order).size, path).toBe(order.length)
  for (const [at, name] of order.entries()) {
    const holders = loaded.find((each) => each.name === name)?.holders ?? []
    for (const holder of holders) {
      expect(order.slice(0, at), `${path}: ${holder} holds ${name}`).toContain(holder)
    }
  }
}

function rules(...input: readonly string[]): readonly LiveRules[] {
  const text = ['*filter', ':INPUT ACCEPT [0:0]', ...input.map((spec) => `-A INPUT ${spec}`), 'COMMIT', ''].join('\n')
  const parsed = parseRules(text, 'ip')
  if (!parsed.known) throw new Error(parsed.why)
  return [{ backend: 'nft', rules: parsed.value }]
}
