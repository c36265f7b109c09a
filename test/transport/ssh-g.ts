import { execFile, execFileSync } from 'node:child_process'
import { hostname, userInfo } from 'node:os'
import { sshSettings } from '../../src/transport/ssh-config.ts'
import { configFilesHere } from '../../src/transport/ssh-config-file.ts'
import type { Jump } from '../../src/transport/ssh-config-jumps.ts'
import { readWay } from '../../src/transport/ssh-config-way.ts'

/** Where no ssh is, nothing can be compared with it. */
export const NO_SSH = 'there is no ssh on this machine'
export const isSshThere = (() => {
  try {
    execFileSync('ssh', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** What a configuration comes to, in words that ssh's and ours share; `refused`: it does not take it. */
export type Meaning = { readonly [keyword: string]: string | readonly string[] } | 'refused'

const WORLD = {
  user: userInfo().username,
  uid: userInfo().uid,
  home: userInfo().homedir,
  hostName: hostname(),
  environment: process.env,
}

/** `ssh -G`. */
export async function meaningToSsh(file: string, host: string): Promise<Meaning> {
  const printed = await new Promise<string | null>((resolve) => {
    const child = execFile('ssh', ['-G', '-F', file, host], (error, stdout) => resolve(error === null ? stdout : null))
    child.stdin?.end()
  })
  if (printed === null) return 'refused'
  const said = new Map<string, string[]>()
  for (const line of printed.split('\n')) {
    const [, keyword = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? []
    said.set(keyword, [...(said.get(keyword) ?? []), value])
  }
  const one = (keyword: string) => said.get(keyword)?.[0] ?? ''
  return {
    host: one('hostname'),
    port: one('port'),
    user: one('user'),
    identityFiles: fewer(said.get('identityfile') ?? []),
    certificateFiles: fewer(said.get('certificatefile') ?? []),
    identitiesOnly: one('identitiesonly'),
    identityAgent: one('identityagent'),
    userKnownHosts: none(one('userknownhostsfile').replaceAll('//', '/')),
    globalKnownHosts: none(one('globalknownhostsfile')),
    hostKeyAlias: one('hostkeyalias'),
    strict: one('stricthostkeychecking'),
    proxyJump: one('proxyjump'),
    proxyCommand: one('proxycommand'),
    forwardAgent: one('forwardagent'),
    preferred: one('preferredauthentications'),
    publickey: one('pubkeyauthentication'),
    password: one('passwordauthentication'),
    keyboard: one('kbdinteractiveauthentication'),
    family: one('addressfamily'),
    hash: one('hashknownhosts'),
    bind: one('bindaddress'),
  }
}

export function meaningToUs(file: string, host: string): Meaning {
  const asked = { name: host, options: [], configFile: file, origin: 'here' }
  const settings = sshSettings(asked, WORLD, configFilesHere())
  const { way, complaints, jumps } = readWay(asked, settings, WORLD)
  if (complaints.length > 0) return 'refused'
  const word = (keyword: string, otherwise = '') => settings.first(keyword)?.words[0] ?? otherwise
  const flag = (keyword: string, otherwise: string) =>
    word(keyword, otherwise).toLowerCase().replace('true', 'yes').replace('false', 'no')
  const files = (keyword: string, usual: string) => {
    const words = settings.first(keyword)?.words ?? [usual]
    return words.join(' ')
  }
  const home = (path: string) => path.replaceAll('~/', `${WORLD.home}/`)
  const isJump = jumps.length > 0 && !/^none$/i.test(settings.first('proxyjump')?.rest ?? 'none')
  const command = settings.first('proxycommand')?.rest ?? ''
  const agent = settings.first('identityagent') === undefined ? '' : (way.identityAgent ?? 'SSH_AUTH_SOCK')
  return {
    host: way.address,
    port: `${way.port}`,
    user: way.user,
    identityFiles: allOf('identityfile'),
    certificateFiles: allOf('certificatefile'),
    identitiesOnly: flag('identitiesonly', 'no'),
    identityAgent: agent,
    userKnownHosts: knownOf(way.knownHostsFiles, 'userknownhostsfile'),
    globalKnownHosts: none(files('globalknownhostsfile', '/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2')),
    hostKeyAlias: way.hostKeyAlias ?? '',
    strict: strictOf(word('stricthostkeychecking', 'ask').toLowerCase()),
    proxyJump: isJump ? jumps.map(printJump).join(',') : '',
    proxyCommand: isJump || command.toLowerCase() === 'none' ? '' : command,
    forwardAgent: flag('forwardagent', 'no'),
    preferred: word('preferredauthentications'),
    publickey: flag('pubkeyauthentication', 'yes').replace('yes', 'true').replace('no', 'false'),
    password: flag('passwordauthentication', 'yes'),
    keyboard: flag('kbdinteractiveauthentication', 'yes'),
    family: word('addressfamily', 'any').toLowerCase(),
    hash: flag('hashknownhosts', 'no'),
    bind: word('bindaddress'),
  }

  function allOf(keyword: string): readonly string[] {
    const named = settings.all(keyword).map(({ words }) => words[0] ?? '')
    return fewer(named)
  }
  function knownOf(known: readonly string[], keyword: string): string {
    const setting = settings.first(keyword)
    if (setting === undefined) return home('~/.ssh/known_hosts ~/.ssh/known_hosts2')
    if (setting.words[0]?.toLowerCase() === 'none') return ''
    return known.slice(0, setting.words.length).join(' ')
  }
}

/** Which files are the usual ones, and whether `none` is shown, differs from one OpenSSH to the next. */
function fewer(files: readonly string[]): readonly string[] {
  return files.every((file) => file.startsWith('~/.ssh/id_') || file === 'none') ? [] : files
}

function none(files: string): string {
  return files === 'none' ? '' : files
}

function strictOf(word: string): string {
  const words: { readonly [word: string]: string } = { yes: 'true', no: 'false', off: 'false' }
  return words[word] ?? word
}

function printJump({ name, user, port }: Jump): string {
  const at = name.includes(':') ? `[${name}]` : name
  return `${user === undefined ? '' : `${user}@`}${at}${port === undefined ? '' : `:${port}`}`
}
