import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NftRuleset, parseNft, printNft } from '../../src/firewall/nft-ruleset.ts'
import { ruleText } from '../../src/firewall/nft-text.ts'
import { corpus, NO_CORPUS, textOf } from './corpus.ts'
import { rulesetsIn, vectorsIn, withOneRule } from './nft-vectors.ts'

const NFT = 'nft'

/** A real kernel and nft judge here: rules are loaded into a namespace, written by us, and loaded into another one. */
const missing = whatIsMissing()
const noCorpus = missing ?? (corpus === null ? NO_CORPUS : null)
const [first, second] = [`ctfleet-nft-${process.pid}-a`, `ctfleet-nft-${process.pid}-b`]
const directory = mkdtempSync(join(tmpdir(), 'ctfleet-nft-'))

beforeAll(() => {
  if (missing !== null) return
  for (const name of [first, second]) {
    execFileSync('ip', ['netns', 'add', name])
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  }
})

afterAll(() => {
  rmSync(directory, { recursive: true })
  if (missing === null) for (const name of [first, second]) spawnSync('ip', ['netns', 'del', name])
})

describe('each rule reads as nft lists it, and loaded from that text it is the same rule', () => {
  const cases = join(import.meta.dirname, '../cases/nft')
  test.skipIf(missing !== null).each(readdirSync(cases))('%s', { timeout: 120_000 }, (name) => {
    const { refused, written } = loadWhatGoes(readFileSync(join(cases, name), 'utf8').split('\n'))
    const seen = compare()
    expect(seen).toEqual({ rules: seen.rules, different: [], notWritten: [] })
    // What a kernel lacks differs; but most of it is there, or this proves nothing.
    expect(seen.rules).toBe(written - refused.length)
    expect(refused.length, refused.join('\n')).toBeLessThan(written / 10)
  })

  test.skipIf(noCorpus !== null)('rule sets of the corpus that nft can load', { timeout: 180_000 }, () => {
    const sets = rulesetsIn(corpus as string).map((path) => ({ path, text: textOf(corpus as string, path) }))
    const loadable = sets.filter(({ text }) => !text.includes('"xt"'))
    const seen = loadable.flatMap(({ path, text }) =>
      loadJson(first, printNft(read(text))) ? [{ path, ...compare() }] : [],
    )
    expect(seen).toEqual(seen.map((each) => ({ ...each, different: [], notWritten: [] })))
    // The rest needs what this nft or kernel lacks; but most can be loaded, or this proves nothing.
    expect(seen.length).toBeGreaterThan(loadable.length / 2)
  })

  test.skipIf(noCorpus !== null)("rules of nftables' own tests that this nft takes", { timeout: 300_000 }, () => {
    const vectors = vectorsIn(corpus as string)
    let [rules, notWritten] = [0, 0]
    for (const family of new Set(vectors.map((vector) => vector.family))) {
      const texts = vectors.filter((vector) => vector.family === family).map(({ expr }) => withOneRule(family, expr))
      nft(first, 'flush', 'ruleset')
      addInHalves(texts.map((text) => JSON.parse(text).nftables as readonly object[]))
      const seen = compare()

      expect(seen.different).toEqual([])
      rules += seen.rules
      notWritten += seen.notWritten.length
    }
    expect(rules).toBeGreaterThan(600)
    expect(notWritten / rules).toBeLessThan(0.005)
  })
})

test('a kernel could judge', (context) => {
  if (missing !== null) context.skip(missing)
})

function whatIsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  if (!['/usr/sbin', '/sbin'].some((at) => existsSync(`${at}/nft`))) return 'no nft'
  const version = execFileSync(NFT, ['--version'], { encoding: 'utf8' })
  if (!version.includes('v1.0.6 ')) return `the text is that of nft 1.0.6, and here is ${version.trim()}`
  const probe = `ctfleet-nft-${process.pid}-p`
  const works = spawnSync('ip', ['netns', 'add', probe]).status === 0 && nft(probe, 'list', 'ruleset').ok
  spawnSync('ip', ['netns', 'del', probe])
  return works ? null : 'no network namespaces with nf_tables here'
}

function nft(namespace: string, ...words: readonly string[]): { ok: boolean; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', namespace, NFT, ...words], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return { ok: status === 0, stdout, stderr }
}

/** From a file, since `nft -j` does not read a pipe. */
function load(namespace: string, script: string, ...words: readonly string[]) {
  const file = join(directory, 'script')
  writeFileSync(file, script)
  return nft(namespace, ...words, '-f', file)
}

function loadJson(namespace: string, json: string): boolean {
  nft(namespace, 'flush', 'ruleset')
  return load(namespace, json, '-j').ok
}

/** Loads a script without the rules that this kernel has no module for. */
function loadWhatGoes(lines: readonly string[]): { readonly refused: readonly string[]; readonly written: number } {
  const left = [...lines]
  const refused: string[] = []
  for (;;) {
    nft(first, 'flush', 'ruleset')
    const { ok, stderr } = load(first, left.join('\n'))
    const written = lines.filter((line) =>
      /^\t\t(?!type |elements |flags |size |timeout |over |rate |l3proto )/.test(line),
    ).length
    if (ok) return { refused, written }
    const lacking = /:(\d+):\d+-\d+: Error: Could not process rule: (Operation not supported|No such file)/.exec(stderr)
    if (lacking === null) throw new Error(stderr)
    const at = Number(lacking[1]) - 1
    refused.push(left[at] as string)
    left[at] = ''
  }
}

/** Adds rules that nft may refuse, with few calls: all at once, else each half by itself. */
function addInHalves(rules: readonly (readonly object[])[]): void {
  if (rules.length === 0) return
  const [sample] = rules as readonly [readonly object[]]
  const objects = [...sample.slice(0, -1), ...rules.map((each) => each.at(-1) as object)]
  if (load(first, JSON.stringify({ nftables: objects }), '-j').ok || rules.length === 1) return
  const half = rules.length >> 1
  addInHalves(rules.slice(0, half))
  addInHalves(rules.slice(half))
}

type Seen = { readonly rules: number; readonly different: readonly string[]; readonly notWritten: readonly string[] }

/** What is loaded in the first namespace, against what we write, and against what the second makes of that. */
function compare(): Seen {
  const ruleset = read(nft(first, '-j', 'list', 'ruleset').stdout)
  const listed = nft(first, '-s', '-a', 'list', 'ruleset').stdout
  const theirs = linesByHandle(listed)
  const different: string[] = []
  const notWritten: string[] = []
  const added: { readonly command: string; readonly statements: string }[] = []
  for (const { place, rule } of rulesOf(ruleset)) {
    const text = ruleText(rule)
    const line = theirs.get(`${place.split(' ').slice(0, 2).join(' ')} ${rule.handle}`) ?? 'not listed'
    if (text === null) notWritten.push(line)
    else if (text !== line) different.push(`ours: ${text}, theirs: ${line}`)
    else added.push({ command: `add rule ${place} ${text}`, statements: stable(rule.statements) })
  }
  nft(second, 'flush', 'ruleset')
  const skeleton = listed.split('\n').filter((line) => !/^\t\t.*# handle \d+$/.test(line))
  const script = [...skeleton, ...added.map(({ command }) => command), ''].join('\n')
  const again = load(second, script)
  if (!again.ok) return { rules: theirs.size, different: [...different, `refused: ${again.stderr}`], notWritten }
  const there = rulesOf(read(nft(second, '-j', 'list', 'ruleset').stdout)).map(({ rule }) => stable(rule.statements))
  const changed = added.filter(({ statements }, at) => statements !== there[at])
  return {
    rules: theirs.size,
    different: [...different, ...changed.map(({ command }) => `another rule: ${command}`)],
    notWritten,
  }
}

function rulesOf(ruleset: NftRuleset) {
  return ruleset.tables.flatMap(({ family, name, chains }) =>
    chains.flatMap((chain) => chain.rules.map((rule) => ({ place: `${family} ${name} ${chain.name}`, rule }))),
  )
}

/** What nft lists for each rule, by `family table handle`. */
function linesByHandle(listed: string): ReadonlyMap<string, string> {
  const lines = new Map<string, string>()
  let table = ''
  for (const line of listed.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table
    const [, text, handle] = /^\t\t(.*?) ?# handle (\d+)$/.exec(line) ?? []
    if (text !== undefined) lines.set(`${table} ${handle}`, text)
  }
  return lines
}

/** Without what a kernel counts, and the elements of a set in one order: the kernel's own changes from load to load. */
function stable(value: unknown): string {
  return JSON.stringify(value, (key, each: unknown) => {
    if (key === 'packets' || key === 'bytes') return 0
    const isSet = key === 'set' && Array.isArray(each)
    return isSet ? each.map((element) => stable(element)).sort() : each
  })
}

function read(json: string): NftRuleset {
  const reading = parseNft(json)
  if (!reading.known) throw new Error(reading.why)
  return reading.value
}
