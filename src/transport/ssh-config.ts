import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import type { Complaint } from '../input/complaint.ts'
import type { SshOption } from '../model/host.ts'
import type { ConfigFiles, ConfigLine, ConfigText } from './ssh-config-file.ts'
import { hostHolds, matchHolds } from './ssh-config-match.ts'
import { placed, readOption } from './ssh-config-options.ts'
import { matchesAny } from './ssh-config-patterns.ts'
import { type ConfigWorld, expandTokens, tokensOf, withoutTilde } from './ssh-config-tokens.ts'

/** A host that ssh would be asked to reach. */
export type AskedHost = {
  readonly name: string
  /** `ssh -o`; of a keyword that is given twice the first counts. */
  readonly options: readonly SshOption[]
  /** `ssh -F`; absent: the user's file and the system's. */
  readonly configFile?: string
  /** Who to complain about where an option is wrong: `inventory.yaml:14:9`. */
  readonly origin: string
}

export type Setting = {
  readonly words: readonly string[]
  readonly rest: string
  /** `~/.ssh/config:4`, or the host's place in the inventory. */
  readonly at: string
  readonly from: 'options' | 'user' | 'system'
}

/** What ssh would go by. */
export type Settings = {
  /** Where ssh would connect to: HostName, or the name itself. */
  readonly host: string
  readonly first: (keyword: string) => Setting | undefined
  /** Of keywords that add up: IdentityFile, CertificateFile. */
  readonly all: (keyword: string) => readonly Setting[]
  /** What only ssh can work out, and where that is asked: `Match exec at ~/.ssh/config:4`. */
  readonly forSsh: string | undefined
  readonly complaints: readonly Complaint[]
}

/** Reads ssh_config(5) for one host, as ssh does: options, the user's file, the system's; the first value counts. */
export function sshSettings(asked: AskedHost, world: ConfigWorld, files: ConfigFiles): Settings {
  const state: State = {
    asked,
    world,
    files,
    first: new Map(),
    all: new Map(),
    complaints: [],
    included: 0,
    final: false,
    wantsFinal: false,
  }
  for (const option of asked.options) {
    const read = readOption(option)
    if ('wrong' in read) state.complaints.push(placed(option.at ?? asked.origin, read.wrong.message, read.wrong.hint))
    else
      keep(state, read.keyword, { words: read.words, rest: read.rest, at: option.at ?? asked.origin, from: 'options' })
  }
  readFiles(state)
  const host = hostAsSsh(hostNow(state))
  const named = state.first.get('hostname')
  const expanded = expandTokens(named?.words[0] ?? '', { h: asked.name })
  if (named !== undefined && 'wrong' in expanded) state.complaints.push(placed(named.at, `HostName: ${expanded.wrong}`))
  if (state.wantsFinal) {
    // `Match final`: all is read once more, with the name that this led to.
    state.final = true
    state.first.set('hostname', { words: [host], rest: host, at: asked.origin, from: 'options' })
    readFiles(state)
  }
  if (state.endless !== undefined) state.complaints.push(state.endless)
  const canonical = state.first.get('canonicalizehostname')
  if (/^(?:yes|true|always)$/i.test(canonical?.words[0] ?? ''))
    state.forSsh ??= `CanonicalizeHostname at ${canonical?.at}`
  const { first, all, forSsh, complaints } = state
  return { host, first: (keyword) => first.get(keyword), all: (keyword) => all.get(keyword) ?? [], forSsh, complaints }
}

/** What is known so far: conditions ask it as ssh's do. */
type State = {
  readonly asked: AskedHost
  readonly world: ConfigWorld
  readonly files: ConfigFiles
  readonly first: Map<string, Setting>
  readonly all: Map<string, readonly Setting[]>
  readonly complaints: Complaint[]
  forSsh?: string
  /** Files that were included so far, and what is said where that has no end: once. */
  included: number
  endless?: Complaint
  final: boolean
  wantsFinal: boolean
}

type Reading = {
  readonly shown: string
  readonly from: Setting['from']
  /** Included where no condition holds: it is read for mistakes alone. */
  readonly never: boolean
  /** The files that it was included from, as paths, itself at the end. */
  readonly within: readonly string[]
}

const SYSTEM = '/etc/ssh/ssh_config'

/** As many files in each other as ssh reads, and in all as anybody has. */
const DEEPEST = 16
const MOST_FILES = 1000

function readFiles(state: State): void {
  const { asked, world, files, complaints } = state
  const named = asked.configFile
  if (named?.toLowerCase() === 'none') return
  const shown = named ?? '~/.ssh/config'
  const path = resolve(withoutTilde(shown, world.home))
  const read = files.read(path, named === undefined ? 'checked' : 'trusted')
  if ('lines' in read) readLines(state, read.lines, { shown, from: 'user', never: false, within: [path] })
  else if (named !== undefined || !(read.missing || read.locked)) complaints.push(wholeFile(shown, read))
  if (named !== undefined) return
  const system = files.read(SYSTEM, 'trusted')
  if ('lines' in system)
    readLines(state, system.lines, { shown: SYSTEM, from: 'system', never: false, within: [SYSTEM] })
}

function readLines(state: State, lines: readonly ConfigLine[], file: Reading): void {
  let active = !file.never
  for (const line of lines) {
    const { keyword, words, rest } = line
    const at = `${file.shown}:${line.line}`
    if (line.wrong !== null) {
      if (!isIgnored(state, line)) state.complaints.push(complaintAt(file, line, line.wrong.message, line.wrong.hint))
    } else if (keyword === 'host') {
      active = !file.never && hostHolds(words, state.final ? hostNow(state) : state.asked.name)
    } else if (keyword === 'match') active = conditionHolds(state, line, file)
    else if (keyword === 'include') include(state, line, { ...file, never: !active })
    else if (keyword !== null && active) {
      keep(state, keyword, { words, rest: rest.replace(/^[\s=]+/, ''), at, from: file.from })
    }
  }
}

function isIgnored({ first }: State, { keyword, written }: ConfigLine): boolean {
  const patterns = first.get('ignoreunknown')?.words[0]
  return keyword === null && patterns !== undefined && matchesAny(written, patterns.toLowerCase().split(','))
}

function conditionHolds(state: State, line: ConfigLine, file: Reading): boolean {
  const { asked, world, first, final } = state
  const condition = matchHolds(line.words, {
    originalHost: asked.name,
    host: hostNow(state),
    user: first.get('user')?.words[0] ?? world.user,
    localUser: world.user,
    tag: first.get('tag')?.words[0] ?? '',
    final,
  })
  if ('wrong' in condition) {
    state.complaints.push(complaintAt(file, line, condition.wrong, null))
    return false
  }
  state.wantsFinal ||= condition.wantsFinal
  if (condition.forSsh !== undefined && !file.never)
    state.forSsh ??= `Match ${condition.forSsh} at ${file.shown}:${line.line}`
  return !file.never && condition.holds
}

function include(state: State, line: ConfigLine, file: Reading): void {
  const { world, files, complaints } = state
  for (const word of line.words) {
    const expanded = expandTokens(word, includeTokens(state), world.environment)
    // Where it leads nowhere, ssh says so and reads on.
    if ('wrong' in expanded) continue
    if (expanded.text.startsWith('~') && file.from === 'system') {
      complaints.push(complaintAt(file, line, "the system's ssh_config includes from a home", 'Name the whole path'))
      continue
    }
    const base = file.from === 'system' ? '/etc/ssh' : join(world.home, '.ssh')
    for (const path of files.glob(resolve(base, withoutTilde(expanded.text, world.home)))) {
      state.included += 1
      if (file.within.includes(path) || file.within.length > DEEPEST || state.included > MOST_FILES) {
        state.endless ??= complaintAt(file, line, 'these files include each other without an end', null)
        return
      }
      const read = files.read(path, 'checked')
      const shown = path.startsWith(`${world.home}/`) ? `~${path.slice(world.home.length)}` : path
      if ('lines' in read) readLines(state, read.lines, { ...file, shown, within: [...file.within, path] })
      else if (!read.missing) complaints.push(wholeFile(shown, read))
    }
  }
}

function includeTokens(state: State) {
  const { asked, world, first } = state
  const [host, word] = [hostNow(state), (keyword: string) => first.get(keyword)?.words[0]]
  const [port, user] = [Number(word('port') ?? 22), word('user') ?? world.user]
  return tokensOf({ name: asked.name, host, port, user, hostKeyAlias: word('hostkeyalias') ?? host, jump: '' }, world)
}

function hostNow({ asked, first, final }: State): string {
  const named = first.get('hostname')?.words[0]
  if (named === undefined || final) return named ?? asked.name
  const expanded = expandTokens(named, { h: asked.name })
  return 'text' in expanded ? expanded.text : named
}

function keep({ first, all }: State, keyword: string, setting: Setting): void {
  if (keyword === 'identityfile' || keyword === 'certificatefile') {
    const before = all.get(keyword) ?? []
    if (!before.some(({ words }) => words[0] === setting.words[0])) all.set(keyword, [...before, setting])
    return
  }
  if (keyword === 'proxyjump' && setting.rest.toLowerCase() !== 'none') {
    if (first.has('proxycommand') || first.has('proxyjump')) return
    first.set('proxycommand', { ...setting, words: ['none'], rest: 'none' })
  }
  if (!first.has(keyword)) first.set(keyword, setting)
}

function complaintAt(
  { shown }: Reading,
  { line, column }: ConfigLine,
  message: string,
  hint: string | null,
): Complaint {
  return { file: shown, line, column, path: '', message, hint }
}

function wholeFile(file: string, { refused, hint }: Extract<ConfigText, { readonly refused: string }>): Complaint {
  return { file, line: null, column: null, path: '', message: refused, hint }
}

/** Names in lower case; addresses as the resolver writes them. */
function hostAsSsh(host: string): string {
  const [address = '', scope] = host.split('%')
  if (isIP(address) === 6) {
    const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
    return scope === undefined ? canonical : `${canonical}%${scope}`
  }
  if (/^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}$/i.test(host)) {
    try {
      return new URL(`http://${host}/`).hostname
    } catch {
      // Digits that are no address are a name.
    }
  }
  return host.toLowerCase()
}
