import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Complaint } from '../input/complaint.ts'
import type { SshWay } from '../model/host.ts'
import { DEFAULT_KNOWN_HOSTS } from './known-hosts.ts'
import type { AskedHost, Setting, Settings } from './ssh-config.ts'
import { type Jump, jumpsOfCommand, portOf, readJumps } from './ssh-config-jumps.ts'
import { placed } from './ssh-config-options.ts'
import { type ConfigWorld, expandTokens, tokensOf, withoutTilde } from './ssh-config-tokens.ts'

export type WayRead = {
  readonly way: SshWay
  /** Through which hosts, the first one first. */
  readonly jumps: readonly Jump[]
  readonly complaints: readonly Complaint[]
  /** What is asked for and not followed. */
  readonly notes: readonly string[]
}

/** Settings of ssh_config as a way to the host, and what of it only the system's ssh can follow. */
export function readWay(asked: AskedHost, settings: Settings, world: ConfigWorld): WayRead {
  const { host, first, all, forSsh } = settings
  const complaints = [...settings.complaints]
  const word = (keyword: string) => first(keyword)?.words[0]
  const says = (keyword: string, ...words: readonly string[]) => words.includes(word(keyword)?.toLowerCase() ?? '')
  const [port, user] = [portOf(word('port') ?? '') ?? 22, word('user') ?? world.user]
  const jumps = jumpsOf(settings)
  const hostKeyAlias = word('hostkeyalias')?.toLowerCase()
  const at = { name: asked.name, host, port, user, hostKeyAlias, jump: jumps?.at(-1)?.name ?? '' }
  const tokens = tokensOf(at, world)

  const expanded = (text: string, setting: Setting): string | undefined => {
    const read = expandTokens(withoutTilde(text, world.home), tokens, world.environment)
    if ('text' in read) return read.text
    complaints.push(placed(setting.at, read.wrong))
    return undefined
  }
  const path = (text: string, setting: Setting) => {
    const read = expanded(text, setting)
    return read === undefined ? [] : [resolve(read)]
  }
  const identities = keyFiles(all('identityfile'), path)
  const certificates = keyFiles(all('certificatefile'), path).filter((file) => file !== 'none')
  const agent = agentOf(first('identityagent'), expanded, world)
  const methods = methodsOf(settings)
  const openssh = forSsh === undefined ? opensshOf(settings, jumps, tokens) : readBySsh(asked, forSsh)
  const strict = first('stricthostkeychecking')
  const family = word('addressfamily')?.toLowerCase()
  return {
    way: {
      address: host,
      port,
      user,
      identityFiles: identities,
      knownHostsFiles: knownHosts(settings, path),
      ...(certificates.length > 0 ? { certificateFiles: certificates } : {}),
      ...(says('identitiesonly', 'yes', 'true') ? { identitiesOnly: true } : {}),
      ...(agent === undefined ? {} : { identityAgent: agent }),
      ...(hostKeyAlias === undefined ? {} : { hostKeyAlias }),
      ...(says('stricthostkeychecking', 'accept-new') ? { acceptNewKeys: true } : {}),
      ...(first('forwardagent') === undefined || says('forwardagent', 'no', 'false') ? {} : { forwardAgent: true }),
      ...(methods === undefined ? {} : { preferredAuthentications: methods }),
      ...(family === 'inet' || family === 'inet6' ? { addressFamily: family } : {}),
      ...(says('hashknownhosts', 'yes', 'true') ? { hashKnownHosts: true } : {}),
      ...openssh,
    },
    jumps: forSsh === undefined ? (jumps ?? []) : [],
    complaints,
    notes: says('stricthostkeychecking', 'no', 'off', 'false') ? [notFollowed(strict)] : [],
  }
}

function notFollowed(strict: Setting | undefined): string {
  return `StrictHostKeyChecking ${strict?.words[0]} at ${strict?.at} is not followed: host keys are always checked, and --accept-new takes those of hosts that no file knows yet`
}

/** Null: a ProxyCommand that is more than a jump. ProxyJump rules out a ProxyCommand behind it, and the other way round. */
function jumpsOf({ first }: Settings): readonly Jump[] | null {
  const jump = readJumps(first('proxyjump')?.rest ?? 'none')
  if ('jumps' in jump && jump.jumps.length > 0) return jump.jumps
  const command = first('proxycommand')?.rest ?? 'none'
  return command.toLowerCase() === 'none' ? [] : jumpsOfCommand(command)
}

/** Files that the inventory names have to be there; ssh passes over those of its own files that are not. */
function keyFiles(
  settings: readonly Setting[],
  path: (text: string, setting: Setting) => readonly string[],
): readonly string[] {
  const named = settings.map((setting) => ({ setting, text: setting.words[0] ?? '' }))
  if (named.length === 1 && named[0]?.text.toLowerCase() === 'none') return ['none']
  const files = named.flatMap(({ setting, text }) =>
    path(text, setting).flatMap((file) => {
      if (setting.from === 'options' || existsSync(file)) return file
      // The public half alone says which of the agent's keys is meant.
      return existsSync(`${file}.pub`) ? `${file}.pub` : []
    }),
  )
  return named.length > 0 && files.length === 0 ? ['none'] : files
}

function agentOf(
  setting: Setting | undefined,
  expanded: (text: string, setting: Setting) => string | undefined,
  { environment }: ConfigWorld,
): string | undefined {
  const [named] = setting?.words ?? []
  if (setting === undefined || named === undefined || named === 'SSH_AUTH_SOCK') return undefined
  if (named.toLowerCase() === 'none') return 'none'
  if (/^\$\w+$/.test(named)) return environment[named.slice(1)] || 'none'
  return expanded(named, setting)
}

/** A file that is none stays none, so that nobody takes the usual ones in its place. */
function knownHosts(
  { first }: Settings,
  path: (text: string, setting: Setting) => readonly string[],
): readonly string[] {
  const files = (keyword: string, usual: readonly string[]) => {
    const setting = first(keyword)
    if (setting === undefined) return usual.flatMap((file) => path(file, USUAL))
    if (setting.words[0]?.toLowerCase() === 'none') return []
    // Only the user's own may hold tokens.
    return setting.words.flatMap((file) => (keyword === 'userknownhostsfile' ? path(file, setting) : resolve(file)))
  }
  const own = files('userknownhostsfile', DEFAULT_KNOWN_HOSTS.slice(0, 2))
  return [...(own.length === 0 ? ['/dev/null'] : own), ...files('globalknownhostsfile', DEFAULT_KNOWN_HOSTS.slice(2))]
}

const USUAL: Setting = { words: [], rest: '', at: '', from: 'system' }

/** Undefined where nothing is said of it: then all that can be is tried. */
function methodsOf({ first }: Settings): readonly string[] | undefined {
  const isOff = (keyword: string) => /^(?:no|false)$/i.test(first(keyword)?.words[0] ?? '')
  const off = new Set([
    ...(isOff('pubkeyauthentication') ? ['publickey'] : []),
    ...(isOff('passwordauthentication') ? ['password'] : []),
    ...(isOff('kbdinteractiveauthentication') ? ['keyboard-interactive'] : []),
  ])
  const preferred = first('preferredauthentications')?.words[0]?.split(',')
  if (preferred === undefined && off.size === 0) return undefined
  return (preferred ?? ['publickey', 'keyboard-interactive', 'password']).filter((method) => !off.has(method))
}

type ForOpenssh = Pick<SshWay, 'opensshOptions' | 'whyOpenssh' | 'readBySsh'>

/** Keywords that ssh2 cannot follow, and how they are written. Policies of the system bind its own ssh alone. */
const ONLY_OPENSSH = [
  'BindAddress',
  'BindInterface',
  'Ciphers',
  'GSSAPIAuthentication',
  'HostKeyAlgorithms',
  'KexAlgorithms',
  'KnownHostsCommand',
  'MACs',
  'PKCS11Provider',
  'RevokedHostKeys',
] as const

function opensshOf(
  { first }: Settings,
  jumps: readonly Jump[] | null,
  tokens: { readonly [letter: string]: string },
): ForOpenssh {
  const set = ONLY_OPENSSH.flatMap((keyword) => {
    const setting = first(keyword.toLowerCase())
    if (setting === undefined || setting.from === 'system' || /^(?:no|none|false)$/i.test(setting.rest)) return []
    return { keyword, setting, value: setting.rest }
  })
  const command = first('proxycommand')
  if (jumps === null && command !== undefined) {
    const read = expandTokens(command.rest, tokens)
    // It is expanded once more by ssh, to which the host goes by another name.
    const value = 'text' in read ? read.text.replaceAll('%', '%%') : command.rest
    set.push({ keyword: 'ProxyCommand' as never, setting: command, value })
  }
  const [why] = set
  if (why === undefined) return {}
  return {
    opensshOptions: set.map(({ keyword, value }) => `${keyword}=${value}`),
    whyOpenssh: `${why.keyword} at ${why.setting.at}`,
  }
}

function readBySsh({ name, configFile, options }: AskedHost, forSsh: string): ForOpenssh {
  return {
    opensshOptions: options.map(({ keyword, value }) => {
      const isPath = /^(?:IdentityFile|CertificateFile)$/i.test(keyword)
      return `${keyword}=${isPath && /[\s]/.test(value) && !/["'\\]/.test(value) ? `"${value}"` : value}`
    }),
    whyOpenssh: forSsh,
    readBySsh: { name, ...(configFile === undefined ? {} : { configFile }) },
  }
}
