import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type NftRuleset, parseNft, printNft } from '../../src/firewall/nft-ruleset.ts'
import type { Json } from '../../src/model/json.ts'
import { corpus, NO_CORPUS, textOf } from './corpus.ts'
import { rulesetsIn, vectorsIn, withOneRule } from './nft-vectors.ts'

const TABLE = { table: { family: 'ip', name: 'filter', handle: 1 } }
const CHAIN = {
  chain: {
    family: 'ip',
    table: 'filter',
    name: 'in',
    handle: 1,
    type: 'filter',
    hook: 'input',
    prio: -5,
    policy: 'drop',
  },
}
const rule = (more: object) => ({ rule: { family: 'ip', table: 'filter', chain: 'in', ...more } })
const set = (more: object) => ({ set: { family: 'ip', table: 'filter', name: 's', type: 'ipv4_addr', ...more } })
const listed = (...objects: readonly object[]) => JSON.stringify({ nftables: objects })

function read(text: string): NftRuleset {
  const reading = parseNft(text)
  if (!reading.known) throw new Error(reading.why)
  return reading.value
}

describe('a rule set comes out as it went in', () => {
  test('tables hold their chains, sets and rules; what we do not know is kept', () => {
    const flowtable = { flowtable: { family: 'ip', name: 'f', table: 'filter', hook: 'ingress', prio: 0, dev: 'eth0' } }
    const novelty = { novelty: { family: 'ip', table: 'filter', speed: 7 } }
    const ruleset = read(
      listed(
        { metainfo: { version: '1.0.6' } },
        TABLE,
        flowtable,
        novelty,
        set({ flags: ['timeout'], timeout: 60, elem: ['192.0.2.1'], size: 9 }),
        { map: { family: 'ip', table: 'filter', name: 'm', type: 'inet_service', map: 'verdict' } },
        CHAIN,
        { chain: { family: 'ip', table: 'filter', name: 'web', handle: 2 } },
        rule({ handle: 9, comment: 'first', expr: [{ counter: { packets: 1, bytes: 2 } }, { accept: null }] }),
        rule({ handle: 4, expr: [{ drop: null }, 'add @m { tcp dport : drop }'] }),
      ),
    )
    expect(ruleset).toEqual({
      others: [{ metainfo: { version: '1.0.6' } }],
      tables: [
        {
          family: 'ip',
          name: 'filter',
          flags: [],
          rest: { handle: 1 },
          others: [flowtable, novelty],
          chains: [
            {
              name: 'in',
              base: { type: 'filter', hook: 'input', priority: -5, policy: 'drop', devices: [] },
              rest: { handle: 1 },
              rules: [
                {
                  family: 'ip',
                  handle: 9,
                  comment: 'first',
                  statements: [{ counter: { packets: 1, bytes: 2 } }, { accept: null }],
                  rest: {},
                },
                {
                  family: 'ip',
                  handle: 4,
                  comment: null,
                  statements: [{ drop: null }, { text: 'add @m { tcp dport : drop }' }],
                  rest: {},
                },
              ],
            },
            { name: 'web', base: null, rules: [], rest: { handle: 2 } },
          ],
          sets: [
            {
              name: 's',
              isMap: false,
              type: 'ipv4_addr',
              mapsTo: null,
              flags: ['timeout'],
              elements: ['192.0.2.1'],
              timeout: 60,
              rest: { size: 9 },
            },
            {
              name: 'm',
              isMap: true,
              type: 'inet_service',
              mapsTo: 'verdict',
              flags: [],
              elements: [],
              timeout: null,
              rest: {},
            },
          ],
        },
      ],
    })
    expect(read(printNft(ruleset))).toEqual(ruleset)
  })

  test('commands that add add up to the same as a list', () => {
    const element = { element: { family: 'ip', table: 'filter', name: 's', elem: ['192.0.2.1'] } }
    const commands = [
      { add: { table: { family: 'ip6', name: 'gone' } } },
      { flush: { ruleset: null } },
      { add: TABLE },
      { add: TABLE },
      { create: CHAIN },
      { add: rule({ expr: [{ accept: null }] }) },
      { insert: rule({ expr: [{ drop: null }] }) },
      { add: set({}) },
      { add: element },
    ]
    const list = [
      TABLE,
      CHAIN,
      rule({ expr: [{ drop: null }] }),
      rule({ expr: [{ accept: null }] }),
      set({ elem: '192.0.2.1' }),
    ]
    expect(read(listed(...commands))).toEqual(read(listed(...list)))
  })

  test.skipIf(corpus === null)(`whole rule sets of the corpus${corpus === null ? `: ${NO_CORPUS}` : ''}`, () => {
    const at = corpus as string
    const paths = rulesetsIn(at)
    const failed = paths.flatMap((path) => whyNotSame(textOf(at, path)).map((why) => `${path}: ${why}`))
    expect(failed).toEqual([])
    expect(paths.length).toBeGreaterThan(50)
  })

  test.skipIf(corpus === null)(`rules of nftables' own tests${corpus === null ? `: ${NO_CORPUS}` : ''}`, () => {
    const vectors = vectorsIn(corpus as string)
    const failed = vectors.flatMap(({ path, words, family, expr }) =>
      whyNotSame(withOneRule(family, expr)).map((why) => `${path} ${words}: ${why}`),
    )
    expect(failed).toEqual([])
    expect(vectors.length).toBeGreaterThan(800)
  })
})

/** Everything that the JSON of a rule set holds, and the same after parsing and printing, but for its order. */
function whyNotSame(text: string): readonly string[] {
  const first = parseNft(text)
  if (!first.known) return [first.why]
  const printed = printNft(first.value)
  if (JSON.stringify(parseNft(printed)) !== JSON.stringify(first)) return ['printed, it reads as something else']
  const [before, after] = [objectsOf(text), objectsOf(printed)]
  return before.filter((each) => !after.includes(each)).map((each) => `lost ${each}`)
}

function objectsOf(text: string): readonly string[] {
  const { nftables } = JSON.parse(text) as { nftables: readonly Json[] }
  return nftables.map((each) => JSON.stringify(each, sorted)).sort()
}

function sorted(key: string, value: unknown): unknown {
  if (key === 'flags' && typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

describe('damage is unknown, with its place', () => {
  const cases: readonly [name: string, text: string, why: RegExp][] = [
    ['nothing', '', /ends too early/],
    ['a prompt before it', `[sudo] password: ${listed(TABLE)}`, /character 1: expected a value/],
    ['cut', listed(TABLE).slice(0, 40), /ends too early/],
    ['cut between', listed(TABLE).slice(0, -2), /ends too early, expected , or ]/],
    ['a word in other letters', '{"nftables":[falsE]}', /character 13: expected a value/],
    ['a quote that nothing closes', '"', /ends too early, within a string/],
    ['two dumps in one', listed(TABLE) + listed(TABLE), /character 67: expected nothing more/],
    ['a comma too many', '{"nftables":[{},]}', /character 16: expected a value/],
    ['a control character in a string', '{"nftables":["a\nb"]}', /character 13: expected a value/],
    ['a number that is none', '{"nftables":[01]}', /character 13: expected a value/],
    ['another document', '{"tables":[]}', /no list of objects under the key nftables/],
    ['an object with two keys', listed({ ...TABLE, ...CHAIN }), /^nftables\[0\]: expected an object with one key/],
    ['a chain without its table', listed(CHAIN), /^nftables\[0\]\.chain: no table "ip filter" before it/],
    ['an unknown object without its table', listed({ novelty: { family: 'ip', table: 'x' } }), /no table "ip x"/],
    ['a rule without its chain', listed(TABLE, rule({ expr: [] })), /^nftables\[1\]\.rule\.chain: no chain "in"/],
    [
      'a rule without statements that are a list',
      listed(TABLE, CHAIN, rule({ expr: 7 })),
      /^nftables\[2\]\.rule\.expr: expected a list/,
    ],
    [
      'a statement that is none',
      listed(TABLE, CHAIN, rule({ expr: [{ drop: null }, 7] })),
      /rule\.expr\[1\]: expected an object/,
    ],
    ['a comment that is none', listed(TABLE, CHAIN, rule({ comment: 7 })), /rule\.comment: expected a string/],
    ['a chain twice', listed(TABLE, CHAIN, CHAIN), /^nftables\[2\]\.chain: "in" comes a second time/],
    ['a table twice', listed(TABLE, TABLE), /^nftables\[1\]\.table: "ip filter" comes a second time/],
    ['a set twice', listed(TABLE, set({}), set({})), /^nftables\[2\]\.set: "s" comes a second time/],
    [
      'a policy that is none',
      listed(TABLE, { chain: { ...CHAIN.chain, policy: 'maybe' } }),
      /policy: expected accept or drop/,
    ],
    ['a priority that is none', listed(TABLE, { chain: { ...CHAIN.chain, prio: 'raw' } }), /prio: expected a number/],
    ['half a base chain', listed(TABLE, { chain: { ...CHAIN.chain, hook: undefined } }), /expected type and hook/],
    ['a command that takes away', listed({ delete: TABLE }), /^nftables\[0\]\.delete: a rule set cannot be read off/],
    ['a place by handle', listed(TABLE, CHAIN, { add: rule({ handle: 7, expr: [] }) }), /add\.rule: placed by handle/],
    ['brackets without end', '['.repeat(100_000), /more than 100 levels of brackets at character 100/],
    [
      'brackets without end that close',
      `{"nftables":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      /more than 100 levels/,
    ],
  ]
  test.each(cases)('%s', (_, text, why) => {
    const reading = parseNft(text)
    expect(reading).toMatchObject({ known: false, why: expect.stringMatching(why) })
    expect(JSON.stringify(reading).length).toBeLessThan(300)
  })

  test('a text without end is not read', () => {
    expect(parseNft(' '.repeat(64 * 1024 * 1024 + 1))).toMatchObject({
      known: false,
      why: expect.stringMatching(/longer/),
    })
  })

  test('a place is told exactly where JSON.parse refuses, and nowhere else', () => {
    const json = fc.json().map((text) => `{"nftables":[${text}]}`)
    const cut = fc.tuple(json, fc.nat(), fc.string({ maxLength: 3, unit: 'binary' })).map(([text, at, put]) => {
      const from = at % text.length
      return text.slice(0, from) + put + text.slice(from + 1)
    })
    fc.assert(
      fc.property(fc.oneof(json, cut), (text) => {
        const reading = parseNft(text)
        const refused = !reading.known && reading.why.startsWith('not JSON')
        expect(refused).toBe(!isJson(text))
      }),
      { numRuns: 2000 },
    )
  })

  test('whatever is put in its place, a rule set reads as one that prints and reads the same, or as unknown', () => {
    const whole: readonly object[] = [
      { metainfo: {} },
      TABLE,
      CHAIN,
      set({ elem: ['192.0.2.1'], flags: ['interval'] }),
      rule({
        comment: 'x',
        expr: [{ match: { op: '==', left: { meta: { key: 'mark' } }, right: 1 } }, { accept: null }],
      }),
    ]
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.nat(), (value, at) => {
        const places = JSON.stringify({ nftables: whole }).match(/"(?:[^"\\]|\\.)*"|\d+|null/g)?.length ?? 1
        let seen = -1
        const text = JSON.stringify({ nftables: whole }).replace(/"(?:[^"\\]|\\.)*"|\d+|null/g, (found) => {
          seen += 1
          return seen === at % places ? JSON.stringify(value) : found
        })
        const reading = parseNft(text)
        if (reading.known) expect(parseNft(printNft(reading.value))).toEqual(reading)
        else expect(reading.why).toMatch(/^(not JSON|nftables\[\d+\]|no list of objects)/)
      }),
      { numRuns: 2000 },
    )
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
