import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { personalityOf } from './personalities.ts'
import { placeOf, slotOf } from './slot.ts'
import type { Machine } from './vm/qemu.ts'

/** A namespace host: its place in the lab, its login, and the public key that known_hosts shall hold for it. */
export type HostRecord = {
  readonly name: string
  readonly index: number
  readonly user: 'root' | 'ops'
  readonly knownKey: string
  /** The jump hosts before it, the first one first. */
  readonly behind?: readonly string[]
  /** It is a jump host itself, and stands in the network behind it too. */
  readonly isJump?: boolean
}

/** A virtual machine: the directory of its sockets, and the loopback ports that lead to the guest's ports. */
export type VmRecord = {
  readonly name: string
  readonly runDir: string
  readonly port: number
  readonly forwards: Readonly<Record<number, number>>
  readonly knownKey: string
  readonly machine: Machine
}

/** What DIR/lab.json keeps, so that another process can use the lab or take it down. */
export type LabState = {
  /** The lab's number; absent when there are only virtual machines. */
  readonly slot?: number
  readonly hosts: readonly HostRecord[]
  readonly vms: readonly VmRecord[]
}

export const NO_LAB: LabState = { hosts: [], vms: [] }

const FILES = ['lab.json', 'inventory.yaml', 'known_hosts', 'ssh_config', 'id_ed25519', 'id_ed25519.pub']

export async function readState(dir: string): Promise<LabState> {
  const text = await readFile(`${dir}/lab.json`, 'utf8').catch(() => undefined)
  return text === undefined ? NO_LAB : (JSON.parse(text) as LabState)
}

/** Writes the state and what follows from it: inventory and known hosts. */
export async function writeState(dir: string, state: LabState): Promise<void> {
  await mkdir(dir, { recursive: true })
  await replace(`${dir}/lab.json`, `${JSON.stringify(state, null, 2)}\n`)
  await replace(`${dir}/inventory.yaml`, inventory(dir, state))
  await replace(`${dir}/known_hosts`, knownHosts(state))
  await replace(`${dir}/ssh_config`, sshConfig(dir))
}

/** Removes the lab's files from DIR, and DIR itself if nothing else is in it. */
export async function removeState(dir: string): Promise<void> {
  for (const file of FILES) await rm(`${dir}/${file}`, { force: true })
  await rmdir(dir).catch(() => undefined)
}

/** An Ansible inventory; its strings are JSON, which is YAML. */
function inventory(dir: string, state: LabState): string {
  const groups = new Map<string, string[]>()
  const add = (group: string, name: string, vars: Record<string, string | number | boolean>): void => {
    const lines = Object.entries(vars).map(([key, value]) => `          ${key}: ${JSON.stringify(value)}`)
    groups.set(group, [...(groups.get(group) ?? []), `        ${name}:`, ...lines])
  }
  for (const host of state.hosts) {
    const personality = personalityOf(host.name)
    const become = host.user === 'root' ? {} : { ansible_become: true }
    const jumps = jumpsTo(state, host)
    const way = jumps === '' ? {} : { ansible_ssh_common_args: `-F ${dir}/ssh_config -o ProxyJump=${jumps}` }
    const login = { ansible_host: addressOf(state, host), ansible_user: host.user }
    add(personality.group, host.name, { ...login, ...become, ...way })
  }
  for (const vm of state.vms) {
    add('vm', vm.name, { ansible_host: '127.0.0.1', ansible_port: vm.port, ansible_user: 'root' })
  }
  return [
    'all:',
    '  vars:',
    `    ansible_ssh_private_key_file: ${JSON.stringify(`${dir}/id_ed25519`)}`,
    `    ansible_ssh_common_args: ${JSON.stringify(`-o UserKnownHostsFile=${dir}/known_hosts`)}`,
    '    ansible_python_interpreter: /usr/bin/python3',
    `    ctfleet_known_hosts_file: ${JSON.stringify(`${dir}/known_hosts`)}`,
    '  children:',
    ...[...groups].flatMap(([group, lines]) => [`    ${group}:`, '      hosts:', ...lines]),
    '',
  ].join('\n')
}

function knownHosts(state: LabState): string {
  const lines = state.hosts.map((host) => {
    const place = placeOf(slotOf(state.slot ?? 0), host.index, host.name, host.behind?.length)
    return `${host.name},${place.address},${place.address6} ${host.knownKey}\n`
  })
  return [...lines, ...state.vms.map((vm) => `[127.0.0.1]:${vm.port} ${vm.knownKey}\n`)].join('')
}

function addressOf(state: LabState, host: HostRecord): string {
  return placeOf(slotOf(state.slot ?? 0), host.index, host.name, host.behind?.length).address
}

/** As `ssh -J` takes them; empty where there are none. */
export function jumpsTo(state: LabState, { behind = [] }: HostRecord): string {
  const jumps = behind.flatMap((name) => state.hosts.find((host) => host.name === name) ?? [])
  return jumps.map((jump) => `${jump.user}@${addressOf(state, jump)}`).join(',')
}

/** What is given to ssh for a host does not count for those that it jumps over; what is in a file does. */
function sshConfig(dir: string): string {
  return [
    'Host *',
    `  IdentityFile "${dir}/id_ed25519"`,
    `  UserKnownHostsFile "${dir}/known_hosts"`,
    '  GlobalKnownHostsFile /dev/null',
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    '  BatchMode yes',
    '  UpdateHostKeys no',
    '  StrictHostKeyChecking yes',
    '  LogLevel ERROR',
    '',
  ].join('\n')
}

/** A reader sees the old file or the new one, never half of one. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
