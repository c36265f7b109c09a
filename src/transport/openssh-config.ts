import type { Host, SshWay } from '../model/host.ts'
import { DEFAULT_KNOWN_HOSTS } from './known-hosts.ts'
import { takesNewKeys } from './new-keys.ts'
import type { Patience } from './tcp.ts'

/** A way to an sshd; without a host's name it is a jump host's. */
export type NamedWay = SshWay & Partial<Pick<Host, 'name'>>

/** What goes into the ssh_config of one connection, beside the way itself. */
export type ConfigMeans = {
  /** A directory of this connection alone. */
  readonly directory: string
  readonly patience: Patience
  /** A secret is there that ssh may ask for. */
  readonly canAnswer: boolean
  /** ssh speaks over its stdin and stdout, and dials nobody. */
  readonly overStdio: boolean
  /** ssh tells which host key it is shown (KnownHostsCommand, OpenSSH 8.5 and later). */
  readonly tellsKey: boolean
  /** There is a file of host keys in the directory that ssh is to trust besides. */
  readonly hasTaken: boolean
}

/** The control socket, and what the server showed as its host keys. */
export const SOCKET = 's'
export const SHOWN_KEYS = 'keys'
export const TELL_KEY = 'tell-key'
export const TAKEN_KEYS = 'taken'

/**
 * The ssh_config that one connection is made with, and nothing else: of a keyword given twice the first counts, so nothing in a
 * file of the user's that is read behind it changes how the connection is held, or makes it do more than that.
 * https://man.openbsd.org/ssh_config
 */
export function opensshConfig(way: SshWay, means: ConfigMeans): string {
  const { readBySsh, opensshOptions = [] } = way
  const lines = [
    ...held(way, means),
    ...(readBySsh === undefined ? said(way, means) : []),
    ...opensshOptions.map(onOneLine),
    ...(readBySsh === undefined ? [] : filesOf(readBySsh).map((file) => `Include ${file}`)),
  ]
  return `${lines.join('\n')}\n`
}

/** What ssh is given as the host, after `--`; null where it would take it for something else. */
export function hostArgument({ address, readBySsh }: SshWay): string | null {
  const name = readBySsh?.name ?? address
  return /^[^-\s@/"'`$\\][^\s@/"'`$\\]*$/.test(name) ? name : null
}

/** ssh does all that is needed to reach the host, where the way holds what only it can follow. */
export function reachesByItself({ opensshOptions = [], readBySsh }: SshWay): boolean {
  return readBySsh !== undefined || opensshOptions.some((option) => REACHING.has(keywordIn(option)))
}

const REACHING: ReadonlySet<string> = new Set([
  ...['proxycommand', 'proxyjump', 'proxyusefdpass', 'bindaddress', 'bindinterface', 'hostname'],
  ...['canonicalizehostname', 'canonicaldomains', 'canonicalizemaxdots', 'canonicalizepermittedcnames'],
])

function keywordIn(option: string): string {
  return (/^\s*([^\s=]+)/.exec(option)?.[1] ?? '').toLowerCase()
}

function held(way: SshWay, means: ConfigMeans): readonly string[] {
  const { readBySsh, opensshOptions = [] } = way
  const { directory, patience, canAnswer, overStdio } = means
  const tellsKey = means.tellsKey && !opensshOptions.some((option) => keywordIn(option) === 'knownhostscommand')
  const seconds = (ms: number) => Math.max(1, Math.round(ms / 1000))
  return [
    `IgnoreUnknown ${readBySsh === undefined ? 'RemoteCommand,ForkAfterAuthentication,StdinNull' : '*'}`,
    'ControlMaster yes',
    `ControlPath ${quoted(`${directory}/${SOCKET}`)}`,
    'ControlPersist no',
    `BatchMode ${canAnswer ? 'no' : 'yes'}`,
    'NumberOfPasswordPrompts 1',
    // Otherwise what is new is written down by us, as over ssh2, once ssh has told which key it is.
    `StrictHostKeyChecking ${takesNewKeys(way) && !(tellsKey && readBySsh === undefined) ? 'accept-new' : 'yes'}`,
    // Before 8.5 ssh shows a server's question as if it were its own, and a passphrase would go to whoever words one well.
    ...(means.tellsKey ? [] : ['KbdInteractiveAuthentication no']),
    'UpdateHostKeys no',
    ...(tellsKey ? [`KnownHostsCommand /bin/sh ${quoted(`${directory}/${TELL_KEY}`)} %t %K %H`] : []),
    `ServerAliveInterval ${seconds(patience.keepalive)}`,
    'ServerAliveCountMax 3',
    ...(overStdio ? ['ProxyCommand -', 'ProxyUseFdpass no'] : [`ConnectTimeout ${seconds(patience.connecting)}`]),
    'LogLevel ERROR',
    'AddKeysToAgent no',
    'EscapeChar none',
    'RequestTTY no',
    'RemoteCommand none',
    'ForkAfterAuthentication no',
    'StdinNull no',
    'PermitLocalCommand no',
    'ClearAllForwardings yes',
    'ForwardX11 no',
    'Tunnel no',
    'VisualHostKey no',
    ...(readBySsh === undefined ? ['CheckHostIP no'] : []),
  ]
}

function said(way: SshWay, { directory, hasTaken }: ConfigMeans): readonly string[] {
  const { identityFiles, certificateFiles = [], knownHostsFiles, identityAgent, preferredAuthentications } = way
  const known = knownHostsFiles.length > 0 ? knownHostsFiles : DEFAULT_KNOWN_HOSTS
  return [
    `User ${quoted(way.user)}`,
    `Port ${way.port}`,
    ...identityFiles.map((file) => `IdentityFile ${file === 'none' ? file : quoted(file)}`),
    ...certificateFiles.map((file) => `CertificateFile ${quoted(file)}`),
    ...(way.identitiesOnly === true ? ['IdentitiesOnly yes'] : []),
    // Its value may be `none`, a path, or the name of a variable.
    ...(identityAgent === undefined ? [] : [`IdentityAgent "${onOneLine(identityAgent)}"`]),
    `UserKnownHostsFile ${[...known, ...(hasTaken ? [`${directory}/${TAKEN_KEYS}`] : [])].map(quoted).join(' ')}`,
    'GlobalKnownHostsFile none',
    ...(way.hostKeyAlias === undefined ? [] : [`HostKeyAlias ${quoted(way.hostKeyAlias)}`]),
    ...(way.hashKnownHosts === true ? ['HashKnownHosts yes'] : []),
    ...(way.addressFamily === undefined ? [] : [`AddressFamily ${way.addressFamily}`]),
    `ForwardAgent ${way.forwardAgent === true ? 'yes' : 'no'}`,
    ...(preferredAuthentications === undefined
      ? []
      : [`PreferredAuthentications ${preferredAuthentications.join(',')}`]),
  ]
}

/** Those that ssh would read by itself: the one named, or the user's and the system's. */
function filesOf({ configFile }: { readonly configFile?: string }): readonly string[] {
  if (configFile === undefined) return ['~/.ssh/config', '/etc/ssh/ssh_config']
  return configFile === 'none' ? [] : [quoted(configFile)]
}

/** A word with percent signs and spaces that mean themselves. There is no way to write a quote that every ssh reads. */
function quoted(value: string): string {
  if (/["\\]/.test(value)) throw new TypeError(`ssh_config has no way to write ${JSON.stringify(value)}`)
  return `"${onOneLine(value).replaceAll('%', '%%')}"`
}

function onOneLine(value: string): string {
  if (/[\n\r\0]/.test(value)) throw new TypeError(`not one line: ${JSON.stringify(value)}`)
  return value
}
