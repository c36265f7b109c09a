import { cpuUsage } from 'node:process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FACTS, parseFacts } from '../../src/facts/catalog.ts'
import { entries } from '../../src/facts/entries.ts'
import type { Fact } from '../../src/facts/fact.ts'
import { known, type Reading, unknown } from '../../src/model/reading.ts'
import { type Section, unbundle } from '../../src/shell/bundle.ts'
import { corpusFiles, NONCE, recordedAnswers, sectionsOf } from './answers.ts'

type Name = (typeof FACTS)[number]['name']

const KIB = 1024
/** Characters of each subject's facts as JSON: more no host can make us keep, whatever it prints. Rule dumps are kept as they are. */
const LONGEST: Readonly<Record<Name, number>> = {
  counters: 128 * KIB,
  conntrack: 512 * KIB,
  memory: KIB,
  system: 16 * KIB,
  modules: 4096 * KIB,
  entries: 16 * KIB,
  'kernel-log': KIB,
  listeners: 4096 * KIB,
  firewall: 5 * 4096 * KIB * 6,
  managers: 8 * KIB,
  persistence: 6144 * KIB,
  history: KIB,
  lock: KIB,
  privilege: 4 * KIB,
}

const facts: readonly Fact<unknown>[] = FACTS
const bounds: Readonly<Record<string, number>> = LONGEST
const names = facts.flatMap(({ probes }) => probes.map(({ name }) => name))
const answered = recordedAnswers().map(({ answer }) => sectionsOf(answer))

/** Everything real that a probe is known to have printed: recorded answers, and public listings where they are at hand. */
const MATERIAL: ReadonlyMap<string, readonly string[]> = new Map(
  names.map((name) => [name, [...answered.flatMap((each) => each.get(name) ?? []), ...published(name)]]),
)

function published(probe: string): readonly string[] {
  const texts = (folder: string) => [...(corpusFiles(folder)?.values() ?? [])]
  const table = '/proc/net/nf_conntrack'
  if (probe === 'modules') return texts('04-kernel/lsmod').map((text) => `modules\n${text}\nmodules end\n`)
  if (probe === 'entries') {
    return texts('03-conntrack-listings').map((text) => `file ${table}\n==> c <==\n9\n\n==> ${table} <==\n${text}`)
  }
  return probe === 'kernel-log' ? texts('04-kernel/dmesg').map((text) => `file dmesg\nuptime 9\nlines 3\n${text}`) : []
}

/** What damages a listing: on the way, in the kernel, or by somebody's hand. */
const JUNK = [
  '\0',
  '\n',
  '\r',
  '\x1b[2J',
  '\x85',
  '\u2028',
  '\u{fffd}',
  '\ud800',
  '\u202e',
  '\t',
  ' ',
  ':',
  '=',
  '[',
  '\\',
  '"',
  '-',
  '-1',
  '-9223372036854775808',
  '18446744073709551616',
  '9'.repeat(400),
  '1e999',
  'NaN',
  '0x',
  'ffffffffffffffff',
  '__proto__',
  'constructor',
  'src=',
  'dport=',
  '|-- ',
  '==> ',
  ' <==',
  'modules end\n',
  'file /x\n',
  'lines -4\n',
  'none\n',
]
const word = fc.oneof(fc.constantFrom(...JUNK), fc.string({ unit: 'binary', maxLength: 20 }))
const edit = fc.oneof(
  fc.record({ kind: fc.constantFrom('insert', 'over', 'number', 'line'), at: fc.nat(), word }),
  fc.record({
    kind: fc.constantFrom('cut', 'twice', 'swap', 'tail', 'flip', 'blank'),
    at: fc.nat(),
    word: fc.constant(''),
  }),
)
const edits = fc.array(edit, { minLength: 1, maxLength: 12 })
type Edit = { readonly kind: string; readonly at: number; readonly word: string }

function edited(text: string, { kind, at, word: put }: Edit): string {
  const lines = text.split('\n')
  const line = at % lines.length
  const other = (at >> 8) % lines.length
  const here = at % (text.length + 1)
  switch (kind) {
    case 'insert':
      return text.slice(0, here) + put + text.slice(here)
    case 'over':
      return text.slice(0, here) + put + text.slice(here + put.length)
    case 'tail':
      return text.slice(0, here)
    case 'blank':
      return lines.toSpliced(line, 1, '').join('\n')
    case 'cut':
      return lines.toSpliced(line, 1).join('\n')
    case 'twice':
      return lines.toSpliced(line, 0, lines[other] ?? '').join('\n')
    case 'swap':
      return lines
        .with(line, lines[other] ?? '')
        .with(other, lines[line] ?? '')
        .join('\n')
    case 'line':
      return lines.with(line, put).join('\n')
    case 'number': {
      const numbers = [...text.matchAll(/\d+/g)]
      const found = numbers[at % Math.max(numbers.length, 1)]
      return found === undefined ? text : text.slice(0, found.index) + put + text.slice(found.index + found[0].length)
    }
    default: {
      const bytes = Buffer.from(text)
      if (bytes.length > 0) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << (at % 8))
      return bytes.toString('utf8')
    }
  }
}

/** All that is promised of one subject's parser, whatever the sections hold. */
function isSound(fact: Fact<unknown>, sections: ReadonlyMap<string, Reading<Section>>): void {
  const size = [...sections.values()].reduce((sum, each) => sum + (each.known ? each.value.output.length : 0), 0)
  const before = cpuUsage()
  const result = fact.parse((name) => sections.get(name) ?? unknown('no answer'))
  const { user, system } = cpuUsage(before)
  // No measure of speed: what takes longer would hang where an answer is a hundred times as long.
  if ((user + system) / 1e6 > 1 + (2 * size) / 1e6) throw new Error(`${(user + system) / 1e6} s for ${size} characters`)
  readingsOnly(result)
  const length = JSON.stringify(result).length
  if (length > (bounds[fact.name] ?? 0)) throw new Error(`${fact.name}: ${length} characters of facts`)
}

/** Between the subjects and their leaves there are only objects, and each leaf is known or unknown with a cause on one line. */
function readingsOnly(tree: unknown, path = ''): void {
  if (typeof tree !== 'object' || tree === null) throw new Error(`${path}: not a reading: ${JSON.stringify(tree)}`)
  for (const [key, child] of Object.entries(tree)) {
    const at = `${path}.${key}`
    if (!('known' in child)) readingsOnly(child, at)
    else if (child.known === true) plain(child.value, at)
    else if (child.known !== false) throw new Error(`${at}: neither known nor unknown`)
    else if (!/^[^\x00-\x1f]{1,500}$/u.test(child.why)) throw new Error(`${at}: ${JSON.stringify(child.why)}`)
  }
}

/** JSON and nothing else; no number here counts less than nothing. */
function plain(value: unknown, at: string): void {
  if (typeof value === 'number' ? !Number.isFinite(value) || value < 0 : value === undefined) {
    throw new Error(`${at}: ${String(value as number | undefined)}`)
  }
  if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) plain(child, `${at}.${key}`)
  }
}

const section = (output: string, code = 0): Reading<Section> => known({ code, output, truncated: false })
const sectionsWith = (fact: Fact<unknown>, text: (probe: string) => string, code = 0) =>
  new Map([...fact.probes.map(({ name }) => name), 'addresses'].map((name) => [name, section(text(name), code)]))

describe.each(facts.map((fact) => ({ name: fact.name, fact })))('$name', ({ fact }) => {
  const real = fc.record(
    Object.fromEntries(
      fact.probes.map(({ name }) => [
        name,
        fc.constantFrom(...(MATERIAL.get(name)?.length ? (MATERIAL.get(name) ?? []) : [''])),
      ]),
    ),
  )

  test('what others printed, damaged in every way', () => {
    const missing = fc.subarray(fact.probes.map(({ name }) => name))
    const code = fc.constantFrom(0, 0, 0, 1, 127, 137, 141)
    fc.assert(
      fc.property(
        real,
        edits,
        fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, missing),
        code,
        (texts, made, gone, ended) => {
          const sections = sectionsWith(fact, (name) => made.reduce(edited, texts[name] ?? ''), ended)
          for (const name of gone) sections.delete(name)
          isSound(fact, sections)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a line of a megabyte, two hundred thousand lines, everything twice, nothing at all', () => {
    const texts = new Map(
      fact.probes.map(({ name }) => [
        name,
        answered
          .map((each) => each.get(name) ?? '')
          .sort(byLength)
          .at(-1) ?? '',
      ]),
    )
    for (const grown of GROWTHS)
      isSound(
        fact,
        sectionsWith(fact, (name) => grown(texts.get(name) ?? '')),
      )
  })

  test('a probe that ended early tells as little as one that was not answered', () => {
    expect(leavesOf(fact.parse(() => unknown('no answer'))).every((leaf) => leaf.endsWith(' unknown'))).toBe(true)
    for (const each of answered) {
      const read = (early: string, instead: (output: string) => Reading<Section>) =>
        leavesOf(fact.parse((name) => (name === early ? instead : section)(each.get(name) ?? '')))
      for (const name of names) {
        const unanswered = read(name, () => unknown('no answer'))
        for (const part of [0, 0.6]) {
          const early = read(name, (output) => section(output.slice(0, Math.floor(part * output.length)), 137))
          expect(early, name).toEqual(unanswered)
        }
      }
    }
  })
})

const byLength = (a: string, b: string) => a.length - b.length
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? ''

const GROWTHS: readonly ((text: string) => string)[] = [
  () => '',
  () => '\n',
  (text) => text + text,
  (text) => text.replaceAll('\n', ''),
  (text) => `${text}${`${lastLine(text)} `.repeat(1e6 / (lastLine(text).length + 1))}\n`,
  (text) => text.replace(/\S(?=\n)/, (end) => end.repeat(1e6)),
  (text) => `${text}${`${lastLine(text)}\n`.repeat(2e5)}`,
  // Real lines, each with another name or number, so that none counts as seen already.
  (text) => {
    const parts = text.split('\n').map((line) => /^([^:]*)(.*)$/s.exec(line)?.slice(1) ?? ['', ''])
    return text + Array.from({ length: 2e5 }, (_, at) => (parts[at % parts.length] ?? []).join(String(at))).join('\n')
  },
]

/** Each reading of a tree by its path: what is known, or that it is not. */
function leavesOf(tree: unknown, path = ''): readonly string[] {
  if (typeof tree !== 'object' || tree === null) return []
  if ('known' in tree) return [`${path} ${tree.known === true ? JSON.stringify(tree) : 'unknown'}`]
  return Object.entries(tree).flatMap(([key, child]) => leavesOf(child, `${path}.${key}`))
}

/** What a parser once took for an answer, or kept without end; each with the cause that it gives now. */
describe('half an answer is none', () => {
  const HEADING = 'entries searched found drop'
  const counted = (uptime: string, ...rows: readonly string[]) =>
    `file /proc/net/stat/nf_conntrack\n${[`${uptime} 1.0`, HEADING, ...rows].join('\n')}\n`
  const rules = (dump: string) => ({
    firewall: 'proc\nroot\nnf_tables no\nlegacy iptables\nregistered ip\n/proc/net/ip_tables_names:filter\n',
    'firewall-legacy-ip': dump,
  })
  const module = (line: string) => ({ modules: `modules\nnf_conntrack 1 2 - Live 0x0\n${line}\nmodules end\n` })

  test.each<[string, Name, Readonly<Record<string, string>>, path: string, cause: string]>([
    ['a heading without a CPU', 'counters', { 'counters-first': counted('9.0') }, '.first', 'no line for any CPU'],
    [
      'a row that is shorter than the heading',
      'counters',
      { 'counters-first': counted('9.0', '1 2 3 4', '1 2') },
      '.first',
      'a line of /proc/net/stat/nf_conntrack is not understood',
    ],
    [
      'a second reading before the first',
      'counters',
      { 'counters-first': counted('9.0', '1 1 1 1'), 'counters-second': counted('8.0', '1 1 1 1') },
      '.seconds',
      'went backwards',
    ],
    [
      'a fall by more than a counter holds',
      'counters',
      { 'counters-first': counted('8.0', '1 1 1 3ffffffff'), 'counters-second': counted('9.0', '1 1 1 1') },
      '.drop',
      'drop went backwards',
    ],
    [
      'a log whose lines are not counted',
      'kernel-log',
      { 'kernel-log': 'file dmesg\nuptime 9.0 1.0\nlines \n[1.0] nf_conntrack: table full\n' },
      '.tableFull',
      'the number of lines',
    ],
    ['a module without its size', 'modules', module('nf_nat - Live 0x0'), '.loaded', 'a line of /proc/modules'],
    ['modules without end', 'modules', module('a 1 0 - Live 0x0\n'.repeat(80_000)), '.loaded', 'has no end'],
    [
      'a rule set without a table',
      'firewall',
      rules('iptables: failed\n'),
      '.legacy.ip',
      'iptables-save printed is not',
    ],
    [
      'a tool that is none of ours',
      'firewall',
      { ...rules(''), firewall: rules('').firewall.replace('legacy iptables', `legacy ${'x'.repeat(2000)}`) },
      '.tools',
      'the legacy iptables is not understood',
    ],
    ['a connection that is not told', 'privilege', { privilege: 'uid 0\nuser root\n' }, '.sshPort', 'did not say'],
    [
      'a path too long to show',
      'persistence',
      { persistence: `unreadable /${'x'.repeat(999)}\n` },
      '.files',
      'not readable',
    ],
    ['files without end', 'persistence', { persistence: '/a:conntrack\n'.repeat(50_000) }, '.files', 'have no end'],
    [
      'more settings than there are',
      'conntrack',
      {
        conntrack: `${Array.from({ length: 301 }, (_, at) => `/proc/sys/net/netfilter/nf_conntrack_max${at}:1`).join('\n')}
/proc/sys/net/netfilter/nf_conntrack_max:1\nexists /proc/net/dev\n`,
      },
      '.settings',
      'more than 300 settings',
    ],
  ])('%s', (_, subject, given, path, cause) => {
    const fact = facts.find(({ name }) => name === subject)
    const sections = new Map(Object.entries(given).map(([name, output]) => [name, section(output)]))
    const result = fact?.parse((name) => sections.get(name) ?? section(''))
    const leaf = path
      .split('.')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], result)
    expect(leaf).toEqual({ known: false, why: expect.stringContaining(cause) })
  })

  test('only the rule files that were asked for are told, whatever else is listed', () => {
    const persistence = facts.find(({ name }) => name === 'persistence')
    const listed = `rules /etc/nftables.conf\n${'rules /etc/of-no-service\n'.repeat(1000)}`
    expect(persistence?.parse(() => section(listed))).toMatchObject({
      ruleFiles: { known: true, value: ['/etc/nftables.conf'] },
    })
  })

  test('whether an entry is local is not told from half of the addresses', () => {
    const table = '/proc/net/nf_conntrack'
    const row = 'ipv4 2 tcp 6 5 CLOSE src=192.0.2.1 dst=192.0.2.2 sport=1 dport=80 src=192.0.2.2 dst=192.0.2.1'
    const output = `file ${table}\n==> count <==\n1\n\n==> ${table} <==\n${row}\n`
    const local = (code: number) =>
      entries.parse((name) => (name === 'entries' ? section(output) : section('192.0.2.3\n', code)))
    expect(local(0)).toMatchObject({ sample: { value: { byDestinationPort: [{ local: 0 }] } } })
    expect(local(137)).toMatchObject({ sample: { value: { byDestinationPort: [{ local: null }] } } })
  })
})

describe('the whole answer', () => {
  const answers = recordedAnswers().map(({ answer }) => answer)
  const marker = fc.constantFrom(
    ...names.flatMap((name) => [`\n${NONCE} begin "${name}" own\n`, `\n${NONCE} end "${name}" 0\n`]),
  )
  const limit = Object.values(LONGEST).reduce((a, b) => a + b)

  test('damaged, and with markers where they do not belong', () => {
    const put = fc.oneof(edit, fc.record({ kind: fc.constant('insert'), at: fc.nat(), word: marker }))
    fc.assert(
      fc.property(fc.constantFrom(...answers), fc.array(put, { minLength: 1, maxLength: 40 }), (answer, made) => {
        const result = parseFacts(made.reduce(edited, answer), NONCE)
        readingsOnly(result)
        if (JSON.stringify(result).length > limit) throw new Error('too much is kept')
      }),
      { numRuns: 300 },
    )
  })

  test('a section is what stands between its own markers: nested, doubled, without end, or of another nonce', () => {
    const open = (name: string, cap = 'own') => `${NONCE} begin "${name}" ${cap}\n`
    const close = (name: string, code = '0') => `\n${NONCE} end "${name}" ${code}\n`
    const read = (text: string, nonce = NONCE) => unbundle(text, nonce, ['a', 'b'])

    const nested = read(`${open('a')}1${open('b')}2${close('b')}3${close('a')}`)
    expect(nested.get('b')).toMatchObject({ known: true, value: { output: '2' } })
    expect(nested.get('a')).toMatchObject({ known: true, value: { output: expect.stringMatching(/^1.*2.*3$/s) } })
    const crossed = read(`${open('a')}1${open('b')}2${close('a')}3${close('b')}`)
    expect([...crossed.values()].every((each) => each.known)).toBe(true)
    expect(read(`${open('a')}1${close('a')}${open('a')}2${close('a')}`).get('a')).toMatchObject({
      value: { output: '1' },
    })
    expect(read(`${open('a')}${'1\n'.repeat(1e5)}`).get('a')).toMatchObject({ known: false })
    for (const wrong of ['other', '', '.*', NONCE.slice(1), `${NONCE}x`, 'recorded"']) {
      for (const each of read(`${open('a')}1${close('a')}`, wrong).values()) expect(each.known).toBe(false)
    }
    for (const code of ['', '-1', 'x', '1000', '0.5']) {
      expect(read(`${open('a')}1${close('a', code)}`).get('a')).toMatchObject({ known: false })
    }
    for (const cap of ['-5', '1e9', 'Infinity', '0x10', '', '9'.repeat(1e5)]) {
      expect(read(`${open('a', cap)}1${close('a')}`).get('a')).toMatchObject({ known: true, value: { code: 0 } })
    }
  })

  test('a rule set is no longer than we asked for, whatever the host says of its length', () => {
    const probes = names.filter((name) => name.startsWith('firewall-'))
    const overview =
      'proc\nroot\nnf_tables yes\nlegacy iptables\nnft iptables\nprogram nft\nregistered ip\n/proc/net/ip_tables_names:filter\n'
    const rules = `*filter\n{"table": {}}\n${'-A INPUT -j ACCEPT\n'.repeat(300_000)}COMMIT\n`
    const text = [
      ['firewall', overview] as const,
      ...probes.map((name) => [name, name.endsWith('set') ? `{${rules}` : rules] as const),
    ]
      .map(([name, output]) => `${NONCE} begin "${name}" 999999999\n${output}\n${NONCE} end "${name}" 0\n`)
      .join('')
    const { firewall } = parseFacts(text, NONCE)
    for (const dump of [firewall.legacy.ip, firewall.nft.ip, firewall.nft.ip6, firewall.nftRuleset]) {
      expect(dump).toMatchObject({ known: false, why: expect.stringContaining('more than 4194304 bytes') })
    }
  })
})
