import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { quote } from '../shell/script.ts'
import { hostKeyFault } from './host-key.ts'
import { GREETING } from './knock.ts'
import { DEFAULT_KNOWN_HOSTS, findKnownKeys, judgeHostKey } from './known-hosts.ts'
import { takesNewKeys } from './new-keys.ts'
import { readCertificate, whyNotVouchedFor } from './openssh-certificate.ts'

/** How the system's ssh ended before it was logged in, as far as we saw it. */
export type Ending = {
  /** The last that it said, in its own words. */
  readonly words: string
  /** Lines of what it was shown as host keys: type, key, and the name under which it looked for them. */
  readonly shownKeys: string
  /** Bytes that came from the server; null where ssh has a connection of its own. */
  readonly heard: number | null
  /** The server, or the link, ended it. */
  readonly byPeer: boolean
  /** Why we ended it. */
  readonly stopped: Stopped | null
  readonly passwordTold: boolean
}

export type Stopped =
  | { readonly type: 'handshake' | 'login' }
  | { readonly type: 'password-refused' }
  | { readonly type: 'password-kept'; readonly why: string }
  | { readonly type: 'question'; readonly words: string }

/** Why ssh is not logged in. */
export type NotLoggedIn = {
  readonly refused: Fault
  /** The server may have had no time for us only. */
  readonly early: boolean
  /** It said nothing for as long as it was heard. */
  readonly silent?: true
  /** A host key that no file knows, and that would have been taken. */
  readonly newKey?: Buffer
}

export async function faultOfEnding(way: SshWay, ending: Ending): Promise<NotLoggedIn> {
  const shown = lastShown(ending.shownKeys)
  const key = shown === undefined ? null : await keyFault(way, shown)
  const early = ending.byPeer && ending.heard !== null && ending.heard < GREETING
  if (key !== null && ending.stopped === null) return { early: false, ...key }
  const refused = ofEnding(way, ending, shown !== undefined)
  return { refused, early, ...(ending.stopped?.type === 'handshake' ? { silent: true } : {}) }
}

type Shown = { readonly key: Buffer; readonly name: string }

/** ssh looks once before it knows any key, for nothing. */
function lastShown(lines: string): Shown | undefined {
  const all = lines.split('\n').flatMap((line): Shown[] => {
    const [, key = '', name = ''] = line.split(' ')
    return key === '' || key === 'NONE' ? [] : [{ key: Buffer.from(key, 'base64'), name }]
  })
  return all.at(-1)
}

/** Null where the key is one that ssh took. */
async function keyFault(
  way: SshWay,
  { key: shown, name }: Shown,
): Promise<Pick<NotLoggedIn, 'refused' | 'newKey'> | null> {
  const files = way.knownHostsFiles.length > 0 ? way.knownHostsFiles : DEFAULT_KNOWN_HOSTS
  const place = way.readBySsh === undefined ? way : { ...way, ...placeNamed(name) }
  const known = await findKnownKeys(files, place)
  const certificate = readCertificate(shown)
  const authorities = [...known.own, ...known.ofAddress].filter(({ mark }) => mark === 'cert-authority')
  const why =
    certificate === null
      ? null
      : whyNotVouchedFor(certificate, {
          name: way.hostKeyAlias ?? place.address,
          authorities: authorities.map(({ key }) => Buffer.from(key, 'base64')),
          now: Date.now(),
        })
  if (certificate !== null && why === null) return null
  const key = certificate?.key ?? shown
  const verdict = judgeHostKey(known, key)
  if (verdict.verdict === 'known') return null
  const fault = hostKeyFault(verdict, key, place)
  const message = why === null ? fault.message : `${fault.message}; nor is its certificate good: ${why}`
  const takes = verdict.verdict === 'unknown' && takesNewKeys(way) && way.readBySsh === undefined
  return { refused: { ...fault, message }, ...(takes ? { newKey: key } : {}) }
}

/** `[name]:2222`, as known_hosts files have it. */
function placeNamed(name: string): { readonly address: string; readonly port: number } {
  const [, address = name, port = '22'] = /^\[(.*)\]:(\d+)$/.exec(name) ?? []
  return { address, port: Number(port) }
}

function ofEnding(way: SshWay, ending: Ending, keySeen: boolean): Fault {
  const { words, stopped, byPeer, heard, passwordTold } = ending
  const { user, address, port } = way
  const look = typed(way)
  const said = words === '' ? 'it said nothing' : `it said ${JSON.stringify(words)}`
  switch (stopped?.type) {
    case 'handshake':
      return {
        code: 'handshake-timed-out',
        message:
          heard === 0
            ? `${address} port ${port} accepts connections but says nothing`
            : `${address} port ${port} began to talk and then fell silent before its host key was checked`,
        next: `See from its console whether sshd is overloaded or stopped, or whether port ${port} is something else: ${look}`,
      }
    case 'login':
      // Not as one that may be tried again at once where a password was told: each try of it counts.
      return {
        code: passwordTold ? 'auth' : 'login-timed-out',
        message: `the system's ssh did not get through the login as ${user} in time: ${said}`,
        next: `${look}: a slow name server or directory service there, an agent that waits here, or a key that waits to be touched`,
      }
    case 'password-refused':
      return passwordRefused(user, look)
    case 'password-kept':
      return {
        code: 'auth',
        message: `login as ${user} was refused: the password is not tried on this host, as ${stopped.why}`,
        next: 'Find the right user and password on one host (--limit), then run this again',
      }
    case 'question':
      return {
        code: 'auth',
        message: `the login as ${user} asks what cannot be answered here: ${JSON.stringify(stopped.words.slice(0, 200))}`,
        next: `Let sshd be content with a key for this user (AuthenticationMethods publickey): ${look}`,
      }
    case undefined:
      break
  }
  // By a file that only ssh reads (RevokedHostKeys), or with a version of it that does not tell which key it was.
  if (/^Host key verification failed/m.test(words)) {
    return { code: 'host-key-unknown', message: `the system's ssh does not take its host key: ${said}`, next: look }
  }
  // It is ssh that leaves where no key is taken; a server hangs up only after too many tries, and says so.
  const isRefused = /: Permission denied \(/.test(words) || (keySeen && heard !== null && !byPeer)
  if (isRefused || (keySeen && /^Received disconnect from .*:\d+: /m.test(words))) {
    if (passwordTold) return passwordRefused(user, look)
    return {
      code: 'auth',
      message: `login as ${user} by the system's ssh was refused: ${said}`,
      next: `${look}, then add the public key to ~${user}/.ssh/authorized_keys there, or name another key or user`,
    }
  }
  const when = keySeen ? 'during the login' : 'before its host key was checked'
  if (heard !== null && byPeer) {
    return { code: 'lost', message: `the connection broke off ${when}: ${said}`, next: `${look} shows more` }
  }
  const code = heard === null ? 'lost' : 'unreachable'
  return { code, message: `the system's ssh gave up ${when}: ${said}`, next: `${look} shows more` }
}

/** What a person types to see more of it. */
function typed({ user, address, port, readBySsh }: SshWay): string {
  if (readBySsh === undefined) return `ssh -v -p ${port} ${quote(`${user}@${address}`)}`
  const file = readBySsh.configFile === undefined ? '' : ` -F ${quote(readBySsh.configFile)}`
  return `ssh -v${file} ${quote(readBySsh.name)}`
}

function passwordRefused(user: string, look: string): Fault {
  return {
    code: 'auth',
    message: `login as ${user} was refused: the password is wrong there, or not allowed`,
    next: `It was tried once, and is not tried again. See whether it is right: ${look}`,
  }
}
