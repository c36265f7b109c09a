import { resolve } from 'node:path'
import { type Complaint, quoted } from '../input/complaint.ts'
import type { HostSecrets, InventoryHost, SshOption } from '../model/host.ts'
import type { Json } from '../model/json.ts'
import { type Look, lookAt } from './look.ts'
import type { Merged } from './precedence.ts'
import { HIDDEN, otherVariables } from './shown.ts'
import { readSshArguments } from './ssh-arguments.ts'
import { isTrue } from './variables.ts'
import type { VaultPassword } from './vault.ts'
import { complaintAt, placeText, type WrittenHost } from './written.ts'

/** Where ctfleet runs: what `~` and relative paths mean. */
export type Here = { readonly cwd: string; readonly home: string }

/** A host with its passwords beside it, or why ctfleet cannot tell how it is reached. */
export type Way =
  | { readonly host: InventoryHost; readonly secrets: HostSecrets }
  | { readonly complaints: readonly Complaint[] }

export type Surroundings = {
  readonly here: Here
  readonly passwords: readonly VaultPassword[]
  /** The inventory that a file is read for, as an absolute path. */
  readonly sourceOf: (file: string) => string
  /** All inventories, as they are named from everywhere. */
  readonly all: string
}

/** How a host is reached, by Ansible's variables and ours; of several names for one thing Ansible's own order decides. */
export function wayOf(host: WrittenHost, merged: Merged, { here, passwords, sourceOf, all }: Surroundings): Way {
  // What else is missing may be in there.
  if (merged.sealed.length > 0) return { complaints: merged.sealed.map(sealedComplaint) }
  const complaints: Complaint[] = []
  const { variables } = merged
  const look = lookAt({ name: host.name, inventory: sourceOf(host.file), variables }, passwords, complaints)
  const { value, text, refuse } = look
  const connection = text('ansible_connection')
  const otherwise = host.isHere === true ? 'local' : 'ssh'
  const kind = connection === undefined ? otherwise : CONNECTIONS.get(withoutCollection(connection))
  if (kind === undefined)
    refuse(
      'ansible_connection',
      `${quoted(connection)} is not supported`,
      'ctfleet goes over ssh, or works on this machine (local)',
    )
  const become = becomeOf(look)
  const pair = text('ctfleet_pair')
  const gateway = isTrue(value('ctfleet_gateway'))
  const ofSsh = kind === 'ssh' ? sshOf(host, look, { here, variables }) : { address: host.name, sshOptions: [] }
  const transport = kind === 'local' ? 'local' : text('ctfleet_transport') === 'openssh' ? 'openssh' : 'ssh'
  const login = kind === 'ssh' ? passwordIn(value, LOGIN_PASSWORDS) : undefined
  const secrets: HostSecrets = {
    ...(login === undefined ? {} : { login }),
    ...(become.password === undefined ? {} : { become: become.password }),
  }
  if (complaints.length > 0) return { complaints }
  return {
    host: {
      name: host.name,
      groups: merged.groups,
      ...ofSsh,
      become: become.method,
      ...(become.user === undefined || become.user === 'root' ? {} : { becomeUser: become.user }),
      transport,
      ...(pair === undefined ? {} : { pair }),
      ...(gateway ? { gateway: true } : {}),
      vars: otherVariables(variables),
      origin: placeText(host.file, host.at),
      ...(Object.keys(secrets).length === 0 ? {} : { secretsFrom: all }),
    },
    secrets,
  }
}

export const VAULT_PASSWORD = 'give the password of the vault: --vault-password-file FILE, or --ask-vault-pass'

function sealedComplaint({ file, sealed }: Merged['sealed'][number]): Complaint {
  return complaintAt(file, { line: 1, column: 1 }, [], `is a vault: ${sealed}`, VAULT_PASSWORD)
}

const CONNECTIONS = new Map<string, 'ssh' | 'local'>([
  ['ssh', 'ssh'],
  ['smart', 'ssh'],
  ['paramiko', 'ssh'],
  ['paramiko_ssh', 'ssh'],
  ['local', 'local'],
])
const METHODS = ['sudo', 'doas', 'su'] as const
const LOGIN_PASSWORDS = ['ansible_ssh_password', 'ansible_ssh_pass', 'ansible_password']

function withoutCollection(name: string): string {
  return name.replace(/^(?:ansible\.(?:builtin|legacy)|community\.general)\./, '')
}

type Become = {
  readonly method: InventoryHost['become']
  readonly user?: string | undefined
  readonly password?: string | undefined
}

function becomeOf({ value, text, refuse }: Look): Become {
  if (!isTrue(value('ansible_become', 'ansible_sudo'))) return { method: 'none' }
  const named = text('ansible_become_method') ?? 'sudo'
  const method = METHODS.find((each) => each === withoutCollection(named))
  if (method === undefined) {
    refuse(
      'ansible_become_method',
      `${quoted(named)} is not supported`,
      `ctfleet becomes root by ${METHODS.join(', ')}`,
    )
    return { method: 'none' }
  }
  const user = text(`ansible_${method}_user`, 'ansible_become_user')
  const password = passwordIn(value, [`ansible_${method}_pass`, 'ansible_become_pass', 'ansible_become_password'])
  return { method, user, password }
}

function passwordIn(value: Look['value'], names: readonly string[]): string | undefined {
  for (const name of names) {
    const found = value(name)
    // What `inventory --list` shows in its place is no password, and a wrong one may lock an account.
    if (found === HIDDEN) continue
    if ((typeof found === 'string' && found !== '') || typeof found === 'number') return String(found)
  }
  return undefined
}

function sshOf(
  host: WrittenHost,
  { value, text, isSecret }: Look,
  { here, variables }: { readonly here: Here; readonly variables: Merged['variables'] },
): Pick<InventoryHost, 'address' | 'sshOptions' | 'sshConfigFile' | 'unfollowed'> {
  const path = (name: string) => resolve(here.cwd, name.replace(/^~(?=$|\/)/, here.home))
  const placeOf = (name: string): string | undefined => {
    const variable = variables.get(name)
    return variable === undefined ? undefined : placeText(variable.file, variable.value.at)
  }
  const hiding = (...names: readonly string[]) => {
    const name = names.find(isSecret)
    const at = name === undefined ? undefined : placeOf(name)
    return at === undefined ? {} : ({ secret: true, at } as const)
  }
  const said = (keyword: string, value: string | number | undefined, ...names: string[]): readonly SshOption[] =>
    value === undefined ? [] : [{ keyword, value: String(value), ...hiding(...names) }]
  const argumentsOf = (name: string) => {
    const read = argumentsIn(text(name), placeOf(name))
    return { ...read, options: read.options.map((option) => ({ ...option, ...hiding(name) })) }
  }
  const port = value(...PORT)
  const keyFile = text(...KEY_FILE)
  const ownKnownHosts = [value('ctfleet_known_hosts_file') ?? []].flat().filter((name) => typeof name === 'string')
  // In the order in which Ansible would put them on the line: of a keyword given twice the first counts.
  const before = argumentsOf('ansible_ssh_args')
  const after = ['ansible_ssh_common_args', 'ansible_ssh_extra_args'].map(argumentsOf)
  const all = [before, ...after]
  const configFile = all.find((each) => each.configFile !== undefined)?.configFile
  const unfollowed = [
    ...all.flatMap((each) => each.unfollowed),
    ...UNFOLLOWED.flatMap(([name, matters, what]) => {
      const found = variables.has(name) ? value(name) : undefined
      return found !== undefined && matters(found) ? [`${name} at ${placeOf(name)} is not followed: ${what}`] : []
    }),
  ]
  return {
    address: (text('ansible_ssh_host', 'ansible_host') ?? host.name).replace(/^\[(.*)\]$/, '$1'),
    sshOptions: [
      // Ours are said for ctfleet alone, and come first.
      ...said('HostKeyAlias', text('ctfleet_host_key_alias'), 'ctfleet_host_key_alias'),
      ...(ownKnownHosts.length === 0
        ? []
        : [
            ...said(
              'UserKnownHostsFile',
              ownKnownHosts.map((name) => `"${path(name)}"`).join(' '),
              'ctfleet_known_hosts_file',
            ),
            ...said('GlobalKnownHostsFile', 'none'),
          ]),
      ...before.options,
      ...said('Port', port === undefined ? undefined : Number(port), ...PORT),
      ...said('User', text(...USER), ...USER),
      ...said('IdentityFile', keyFile === undefined ? undefined : path(keyFile), ...KEY_FILE),
      ...after.flatMap(({ options }) => options),
    ],
    ...(configFile === undefined ? {} : { sshConfigFile: configFile }),
    ...(unfollowed.length === 0 ? {} : { unfollowed }),
  }
}

const PORT = ['ansible_ssh_port', 'ansible_port']
const USER = ['ansible_ssh_user', 'ansible_user']
const KEY_FILE = ['ansible_ssh_private_key_file', 'ansible_private_key_file']

type Arguments = {
  readonly options: readonly SshOption[]
  readonly configFile?: string
  readonly unfollowed: readonly string[]
}

function argumentsIn(text: string | undefined, at: string | undefined): Arguments {
  const read = readSshArguments(text ?? '')
  // Checked before.
  if ('wrong' in read) return { options: [], unfollowed: [] }
  return {
    ...read,
    options: read.options.map((option) => (at === undefined ? option : { ...option, at })),
    unfollowed: read.unfollowed.map(
      (flag) => `${flag} at ${at} is not followed: ctfleet opens connections for itself alone`,
    ),
  }
}

const isSet = (value: Json) => value !== '' && value !== null

/** Variables of Ansible that say how it connects and that nothing follows from here, where their value matters. */
const UNFOLLOWED: readonly (readonly [name: string, matters: (value: Json) => boolean, what: string])[] = [
  ['ansible_ssh_executable', isSet, 'ssh is looked for in PATH'],
  ['ansible_become_exe', isSet, 'sudo, doas and su are looked for in PATH'],
  ['ansible_sudo_exe', isSet, 'sudo is looked for in PATH'],
  ['ansible_become_flags', isSet, 'ctfleet has options of its own'],
  ['ansible_sudo_flags', isSet, 'ctfleet has options of its own'],
  ['ansible_host_key_checking', (value) => !isTrue(value), 'host keys are always checked'],
  ['ansible_ssh_host_key_checking', (value) => !isTrue(value), 'host keys are always checked'],
]
