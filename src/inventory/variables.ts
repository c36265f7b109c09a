import { quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import { jsonOf, type YamlNode } from '../input/yaml-tree.ts'
import type { Json } from '../model/json.ts'
import { type Complain, VAULT_HINT, type Variable } from './groups.ts'
import { isHostName } from './host-names.ts'
import { readSshArguments } from './ssh-arguments.ts'

type Check = (value: Json) => Wrong | null
type Wrong = { readonly message: string; readonly hint: string | null }

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
  ansible_become_method: oneOf(['sudo', 'ansible.builtin.sudo'], 'ctfleet becomes root through sudo only'),
  ansible_become_user: oneOf(['root'], 'ctfleet needs root, no other user'),
  ansible_connection: oneOf(
    ['ssh', 'local', 'smart', 'paramiko', 'paramiko_ssh', 'ansible.builtin.ssh', 'ansible.builtin.local'],
    'ctfleet goes over ssh, or works on this machine (local)',
  ),
  ansible_ssh_common_args: sshArguments,
  ansible_ssh_extra_args: sshArguments,
  ansible_group_priority: wholeNumber,
  ctfleet_gateway: truth,
  ctfleet_known_hosts_file: paths,
  ctfleet_pair: word,
}

const PASSWORDS = new Set([
  'ansible_password',
  'ansible_ssh_pass',
  'ansible_ssh_password',
  'ansible_become_password',
  'ansible_become_pass',
  'ansible_sudo_pass',
  'ansible_sudo_password',
  'ansible_su_pass',
  'ansible_ssh_private_key_passphrase',
  'ansible_private_key_passphrase',
  'ansible_ssh_private_key',
  'ansible_private_key',
])

/** Names one letter away from those that we read, and yet Ansible's own. */
const ANSIBLE_OWN = new Set([
  'ansible_shell_type',
  'ansible_ssh_args',
  'ansible_become_exe',
  'ansible_become_flags',
  'ansible_hosts',
])

/** Complains about a variable that ctfleet reads and cannot use, once where it is written. */
export function checkVariable(name: string, { value, path }: Variable, complain: Complain): void {
  if (PASSWORDS.has(name)) {
    const hint = 'use a key (or an agent) to log in, and sudo with NOPASSWD to become root; then take this line out'
    complain(value.at, path, 'passwords and keys in the inventory are not supported yet', hint)
    return
  }
  const check = READ[name]
  if (check === undefined) {
    const near = ANSIBLE_OWN.has(name) ? null : misspelling(name)
    if (near !== null) complain(value.at, path, `ctfleet knows no variable ${quoted(name)}`, near)
    return
  }
  if (value.type === 'scalar' && value.tag !== null && value.tag !== '!unsafe') {
    const vault = value.tag === '!vault' || value.tag === '!vault-encrypted'
    complain(
      value.at,
      path,
      vault ? 'is a vault' : `has the tag ${value.tag}`,
      vault ? VAULT_HINT : 'write the plain value',
    )
    return
  }
  const template = templateIn(value)
  if (template !== undefined) {
    complain(
      value.at,
      path,
      `is a template: ${quoted(template)}`,
      'ctfleet fills in no templates: write the value itself',
    )
    return
  }
  const plain = jsonOf(value)
  // As in Ansible, nothing after the colon means: not set.
  const wrong = plain === null ? null : check(plain)
  if (wrong !== null) complain(value.at, path, wrong.message, wrong.hint)
}

/**
 * The variables that ctfleet does not read, for playbooks of the user's own. Templates and vaults are left out, since
 * their value is not known here; so is what is named like a secret: plans and reports are passed around.
 */
export function otherVariables(variables: ReadonlyMap<string, Variable>): { readonly [name: string]: Json } {
  return Object.fromEntries(
    [...variables]
      .filter(([name]) => !Object.hasOwn(READ, name) && !isSecretName(name))
      .map(([name, { value }]) => [name, openly(value)] as const)
      .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined),
  )
}

export function isTrue(value: Json | undefined): boolean {
  return value === true || value === 1 || (typeof value === 'string' && /^(?:y|yes|on|1|true|t)$/i.test(value))
}

function openly(node: YamlNode): Json | undefined {
  if (node.tag !== null && node.tag !== '!unsafe') return undefined
  switch (node.type) {
    case 'scalar':
      return templateIn(node) === undefined ? node.value : undefined
    case 'list':
      return node.items.map(openly).filter((item) => item !== undefined)
    case 'map':
      return Object.fromEntries(
        node.entries
          .filter(({ key }) => !isSecretName(key))
          .map(({ key, value }) => [key, openly(value)] as const)
          .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined),
      )
  }
}

function isSecretName(name: string): boolean {
  return /pass|secret|token|credential|private|vault|api_?key|_key$|^key$/i.test(name)
}

function templateIn(node: YamlNode): string | undefined {
  if (node.type === 'scalar') {
    if (typeof node.value !== 'string' || node.tag === '!unsafe') return undefined
    return /\{\{|\{%/.test(node.value) || node.value.startsWith('$ANSIBLE_VAULT') ? node.value : undefined
  }
  const inner = node.type === 'list' ? node.items : node.entries.map(({ value }) => value)
  for (const each of inner) {
    const found = templateIn(each)
    if (found !== undefined) return found
  }
  return undefined
}

function misspelling(name: string): string | null {
  const near = didYouMean(name, Object.keys(READ))
  if (name.startsWith('ctfleet_')) return near ?? 'there are ctfleet_gateway, ctfleet_known_hosts_file and ctfleet_pair'
  // Ansible has hundreds of variables of its own; only a slip of one or two letters is surely one.
  return name.startsWith('ansible_') && near !== null && oneSlip(name, near) ? near : null
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

function word(value: Json): Wrong | null {
  const fits = (typeof value === 'string' && /^[^\p{C}]{1,100}$/u.test(value)) || Number.isInteger(value)
  return fits ? null : wrong('one word, the same for all hosts of the pair', value)
}

function truth(value: Json): Wrong | null {
  if (isTrue(value) || value === false || value === 0) return null
  return typeof value === 'string' && /^(?:n|no|off|0|false|f)$/i.test(value) ? null : wrong('yes or no', value)
}

function wholeNumber(value: Json): Wrong | null {
  return Number.isInteger(typeof value === 'string' ? Number(value) : value) ? null : wrong('a whole number', value)
}

function oneOf(choices: readonly string[], hint: string): Check {
  return (value) =>
    typeof value === 'string' && choices.includes(value) ? null : { message: `${quoted(value)} is not supported`, hint }
}

function sshArguments(value: Json): Wrong | null {
  if (typeof value !== 'string') return wrong('arguments of ssh', value)
  const read = readSshArguments(value)
  return 'cannot' in read ? { message: `ctfleet cannot follow ${read.cannot} yet`, hint: read.hint } : null
}

function wrong(expected: string, found: Json): Wrong {
  return { message: `expected ${expected}, found ${Array.isArray(found) ? 'a list' : quoted(found)}`, hint: null }
}
