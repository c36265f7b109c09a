import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { quote } from '../shell/script.ts'
import type { Offer } from './identities.ts'
import type { Offering } from './offering.ts'

/** Why nobody was let in, with what was offered, and what to do about it. */
export function authFault(way: SshWay, auth: Offering, { keys, words }: Found): Fault {
  const { user } = way
  const takes = auth.accepted.length === 0 ? '' : `; the server takes ${auth.accepted.join(', ').slice(0, 200)}`
  const fault = (message: string, next: string): Fault => ({ code: 'auth', message, next })
  const look = `ssh -v -p ${way.port} ${quote(`${user}@${way.address}`)}`

  if (auth.question !== null) {
    const asked = JSON.stringify(auth.question.slice(0, 200))
    return fault(
      `the server asks ${user} something that cannot be answered here: ${asked}`,
      `Let sshd be content with a key for this user (AuthenticationMethods publickey), or change the password first if that is what it wants: ${look}`,
    )
  }
  if (auth.stopped !== null) {
    return fault(
      `login as ${user} was refused: the password is not tried on this host, as ${auth.stopped}`,
      'Find the right user and password on one host (--limit), then run this again',
    )
  }
  if (auth.password === 'refused') {
    const before = auth.offered.length === 0 ? '' : `, after ${shown(auth.offered)}`
    return fault(
      `login as ${user} was refused: the password is wrong there, or not allowed${before}${takes}`,
      `It was tried once, and is not tried again. See whether it is right: ${look}`,
    )
  }
  if (auth.halfway) {
    const wants = auth.accepted.some(isByPassword) && auth.password === 'kept'
    return fault(
      `the server took one proof of ${user} and wants a second proof, which was not given${takes}`,
      wants ? GIVE : 'Let sshd be content with a key for this user (AuthenticationMethods publickey)',
    )
  }
  const said = auth.over ? '' : ` (${JSON.stringify(words)})`
  const offered = auth.offered.length === 0 ? 'there was no key to offer' : `offered were ${shown(auth.offered)}`
  const [locked] = keys.flatMap((key) => ('cannot' in key ? [key] : []))
  const besides = locked === undefined ? '' : `, but not ${locked.name}, ${locked.cannot}`
  const message = `login as ${user} was refused${said}: ${offered}${besides}${takes}`
  const steps = [
    // The right one may be among those that it did not wait for.
    ...(!auth.over && auth.offered.length > 1 ? [ONLY] : []),
    ...(locked === undefined ? [] : [locked.next]),
    ...(auth.accepted.some(isByPassword) ? [GIVE] : []),
    `${look}, then add the public key to ~${user}/.ssh/authorized_keys there, or name another key or user`,
  ]
  return fault(message, steps.slice(0, 2).join('; or '))
}

type Found = { readonly keys: readonly Offer[]; readonly words: string }

const ONLY = 'name the right key (ansible_ssh_private_key_file), and IdentitiesOnly=yes keeps the others back'
const GIVE = 'the same command with --ask-pass, or --pass-from SOURCE'

function isByPassword(method: string): boolean {
  return method === 'password' || method === 'keyboard-interactive'
}

function shown(offered: readonly string[]): string {
  return offered.slice(0, 6).join(', ') + (offered.length > 6 ? ' …' : '')
}
