import { quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import { jsonOf } from '../input/yaml-tree.ts'
import type { Json } from '../model/json.ts'
import { isHostName } from './host-names.ts'
import { SECRET } from './hushed.ts'
import { readSshArguments } from './ssh-arguments.ts'
import { isTemplate } from './templates.ts'
import type { Complain, Variable } from './written.ts'

type Check = (value: Json) => Wrong | null
export type Wrong = { readonly message: string; readonly hint: string | null }

/** What ctfleet reads of Ansible's variables, and of its own; everything else is kept unread. */
const READ: { readonly [name: string]: Check } = {
  ansible_host: address,
  ansible_ssh_host: address,
  ansible_port: port,
  ansible_ssh_port: port,
  ansible_user: userName,
  ansible_ssh_user: userName,
  ansible_private_key_file: path,
  ansible_ssh_private_key_file: path,
  ansible_become: truth,
  ansible_sudo: truth,
  ansible_become_method: word,
  ansible_become_user: userName,
  ansible_sudo_user: userName,
  ansible_doas_user: userName,
  ansible_su_user: userName,
  ansible_connection: word,
  ansible_ssh_args: sshArguments,
  ansible_ssh_common_args: sshArguments,
  ansible_ssh_extra_args: sshArguments,
  ansible_group_priority: wholeNumber,
  // Read, and nothing follows from it: ctfleet always looks at host keys.
  ansible_host_key_checking: truth,
  ansible_ssh_host_key_checking: truth,
  ctfleet_gateway: truth,
  ctfleet_host_key_alias: path,
  ctfleet_known_hosts_file: paths,
  ctfleet_pair: pair,
  ctfleet_transport: transport,
}

const OURS = Object.keys(READ).filter((name) => name.startsWith('ctfleet_'))

/** Names one letter away from those that we read, and yet Ansible's own. */
const ANSIBLE_OWN = new Set([
  'ansible_shell_type',
  'ansible_become_exe',
  'ansible_become_flags',
  'ansible_become_pass',
  'ansible_sudo_pass',
  'ansible_su_pass',
  'ansible_hosts',
  'ansible_ssh_pass',
])

/** Complains about a variable that ctfleet reads and cannot use, once where it is written. Vaults and templates are for later. */
export function checkVariable(name: string, { value, path, secret }: Variable, complain: Complain): void {
  if (!Object.hasOwn(READ, name)) {
    const near = ANSIBLE_OWN.has(name) || isSecretName(name) ? null : misspelling(name)
    if (near !== null) complain(value.at, path, `ctfleet knows no variable ${quoted(name)}`, near)
    return
  }
  if (value.tag !== null && value.tag !== '!unsafe') return
  const plain = jsonOf(value)
  if (typeof plain === 'string' && value.tag === null && (isTemplate(plain) || plain.startsWith('$ANSIBLE_VAULT')))
    return
  const wrong = whatIsWrong(name, plain)
  if (wrong === null) return
  const { message, hint } = secret === true ? SECRET : wrong
  complain(value.at, path, message, hint)
}

/** What is wrong with the value of a variable that ctfleet reads. As in Ansible, nothing after the colon means: not set. */
export function whatIsWrong(name: string, value: Json): Wrong | null {
  return value === null ? null : (READ[name]?.(value) ?? null)
}

export function isRead(name: string): boolean {
  return Object.hasOwn(READ, name)
}

export function isTrue(value: Json | undefined): boolean {
  return value === true || value === 1 || (typeof value === 'string' && /^(?:y|yes|on|1|true|t)$/i.test(value))
}

/** What is named like a secret is shown to nobody, and kept out of what plans and records hold. */
export function isSecretName(name: string): boolean {
  return (
    /pass|pwd|_pw$|^pw$|secret|token|credential|private|vault|api_?key|_key$|^key$|dsn|connection_string/i.test(name) &&
    !Object.hasOwn(READ, name)
  )
}

function misspelling(name: string): string | null {
  if (!/^(?:ansible|ctfleet)_/.test(name)) return null
  const near = didYouMean(name, Object.keys(READ))
  if (name.startsWith('ctfleet_')) return near ?? `there are ${OURS.slice(0, -1).join(', ')} and ${OURS.at(-1)}`
  // Ansible has hundreds of variables of its own; only a slip of one or two letters is surely one.
  return near !== null && oneSlip(name, near) ? near : null
}

function oneSlip(name: string, hint: string): boolean {
  const meant = /"(.*)"/.exec(hint)?.[1] ?? ''
  return Math.abs(meant.length - name.length) <= 1 && differences(name, meant) <= 2
}

/** Letters that one name has and the other has not, counted with repetition. */
function differences(a: string, b: string): number {
  const left = a.split('')
  const surplus = b.split('').filter((letter) => {
    const at = left.indexOf(letter)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return left.length + surplus.length
}

function address(value: Json): Wrong | null {
  if (typeof value !== 'string') return wrong('an address or a name', value)
  if (isHostName(value.replace(/^\[(.*)\]$/, '$1'))) return null
  return {
    message: `${quoted(value)} is no address or name`,
    hint: 'write one host name or IP address, without user or port',
  }
}

function port(value: Json): Wrong | null {
  const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number)) return wrong('a whole number', value)
  return number >= 1 && number <= 65535 ? null : { message: `${number} is no port`, hint: 'ports go from 1 to 65535' }
}

function userName(value: Json): Wrong | null {
  if (typeof value !== 'string' && typeof value !== 'number') return wrong('a login name', value)
  return /^[^\s\p{C}:/-][^\s\p{C}:/]*$/u.test(String(value)) ? null : wrong('a login name', value)
}

function path(value: Json): Wrong | null {
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? null : wrong('a path', value)
}

function paths(value: Json): Wrong | null {
  if (!Array.isArray(value)) return path(value as Json)
  return value.map(path).find((each) => each !== null) ?? (value.length > 0 ? null : wrong('a path', value as Json))
}

function pair(value: Json): Wrong | null {
  const fits = (typeof value === 'string' && /^[^\p{C}]{1,100}$/u.test(value)) || Number.isInteger(value)
  return fits ? null : wrong('one word, the same for all hosts of the pair', value)
}

function word(value: Json): Wrong | null {
  return typeof value === 'string' && /^[^\s\p{C}]{1,100}$/u.test(value) ? null : wrong('one word', value)
}

function truth(value: Json): Wrong | null {
  if (isTrue(value) || value === false || value === 0) return null
  return typeof value === 'string' && /^(?:n|no|off|0|false|f)$/i.test(value) ? null : wrong('yes or no', value)
}

function wholeNumber(value: Json): Wrong | null {
  return Number.isInteger(typeof value === 'string' ? Number(value) : value) ? null : wrong('a whole number', value)
}

function transport(value: Json): Wrong | null {
  return value === 'ssh' || value === 'openssh' ? null : wrong('ssh or openssh', value)
}

function sshArguments(value: Json): Wrong | null {
  if (typeof value !== 'string') return wrong('arguments of ssh', value)
  const read = readSshArguments(value)
  return 'wrong' in read ? { message: read.wrong, hint: read.hint } : null
}

function wrong(expected: string, found: Json): Wrong {
  return { message: `expected ${expected}, found ${Array.isArray(found) ? 'a list' : quoted(found)}`, hint: null }
}
