import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { factsScript } from '../../src/facts/catalog.ts'
import { exists } from '../lab/packages.ts'
import type { Command, Cost } from './measure.ts'

/** Where the same work is done in turn: an inventory of Ansible's, and what a tool without one needs to know. */
export type Ground = {
  readonly dir: string
  readonly inventory: string
  readonly knownHosts: string
  readonly privateKeyFile: string
  readonly privateKey: string
  readonly hosts: readonly Target[]
  /** ctfleet, bundled as it is shipped. */
  readonly program: string
}

/** @property key the host's public key, in base64 */
export type Target = {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly user: string
  readonly key: string
}

export type Tool = {
  readonly name: string
  /** At a time. */
  readonly width: number
  /** @param turn a tool that changes hosts has something else to change in each. */
  command(ground: Ground, turn: number): Promise<Command>
  /** What is wrong with how it ended; null where all hosts were served. */
  complaint(cost: Cost, ground: Ground): string | null
  /** A file of its package; where it is missing the tool is skipped. */
  readonly needs?: string
}

const byCode: Tool['complaint'] = ({ code, stderr }) =>
  code === 0 ? null : `it ended with code ${code}: ${stderr.trim().slice(-300)}`

/** Seconds between the two readings of the counters, as ctfleet has it; and a nonce that the answer is told apart by. */
const ARGUMENTS = ['bench0nonce', '2'] as const

export function ctfleet(
  name: string,
  words: (turn: number) => readonly string[],
  width: number,
  expected: string,
): Tool {
  return {
    name,
    width,
    async command({ inventory, program, dir }, turn) {
      const all = [...words(turn), '-i', inventory, '--format', 'json', '--forks', String(width)]
      return { argv: [process.execPath, program, ...all], env: { CTFLEET_STATE: join(dir, 'state') } }
    },
    complaint({ stdout, stderr }, { hosts }) {
      try {
        const told = JSON.parse(stdout) as { hosts: readonly { host: string; status: string }[] }
        const others = told.hosts.filter(({ status }) => status !== expected)
        if (others.length === 0 && told.hosts.length === hosts.length) return null
        return `${others.length} of ${hosts.length} hosts are not ${expected}: ${JSON.stringify(others[0])?.slice(0, 300)}`
      } catch {
        return `it printed no results: ${stderr.slice(-300)}`
      }
    },
  }
}

export const bareSsh2: Tool = {
  name: 'bare ssh2, same script',
  width: 50,
  async command({ dir, hosts, privateKey }) {
    const job = {
      hosts,
      privateKey,
      script: factsScript.text,
      arguments: ARGUMENTS,
      width: this.width,
      giveUpMs: 60_000,
    }
    const file = join(dir, 'floor.json')
    await writeFile(file, JSON.stringify(job))
    return { argv: [process.execPath, join(import.meta.dirname, 'floor.mjs'), file], env: {} }
  },
  complaint: byCode,
}

export const clush: Tool = {
  name: 'clush, same script',
  width: 50,
  needs: '/usr/bin/clush',
  async command({ hosts, knownHosts, privateKeyFile }) {
    const options = `-F none -i ${privateKeyFile} -o IdentitiesOnly=yes -o UserKnownHostsFile=${knownHosts} -o StrictHostKeyChecking=yes`
    const where = ['-w', hosts.map(({ address }) => address).join(','), '-l', 'root', '-o', options]
    return { argv: ['clush', '-q', '-S', '-f', String(this.width), ...where, scriptInOneWord()], env: {} }
  },
  complaint: byCode,
}

const ansible = (name: string, words: (ground: Ground) => readonly string[], width = 25): Tool => ({
  name,
  width,
  needs: '/usr/bin/ansible',
  async command(ground) {
    const argv = [...words(ground), '-i', ground.inventory, '-f', String(width)]
    return {
      argv,
      env: {
        ANSIBLE_PIPELINING: 'True',
        ANSIBLE_HOME: join(ground.dir, 'ansible'),
        ANSIBLE_LOCAL_TEMP: join(ground.dir, 'ansible', 'tmp'),
        ANSIBLE_SSH_CONTROL_PATH_DIR: join(ground.dir, 'cp'),
        // An empty one: neither the person's nor the machine's.
        ANSIBLE_CONFIG: join(ground.dir, 'ansible.cfg'),
      },
    }
  },
  complaint: byCode,
})

export const ansibleSetup = ansible('ansible setup', () => ['ansible', 'all', '-m', 'setup'])

export const ansibleRaw = ansible('ansible raw, same script', () => [
  'ansible',
  'all',
  '-m',
  'raw',
  '-a',
  scriptInOneWord(),
])

export function ansiblePlaybook(name: string): Tool {
  return ansible(name, ({ dir }) => ['ansible-playbook', join(dir, 'playbook.yaml')])
}

export async function isThere({ needs }: Tool): Promise<boolean> {
  return needs === undefined || (await exists(needs))
}

/** Base64 has nothing in it that a template language or a shell on the way could take for its own. */
function scriptInOneWord(): string {
  const text = Buffer.from(factsScript.text).toString('base64')
  return `exec /bin/sh -c "$(echo ${text} | base64 -d)" sh ${ARGUMENTS.join(' ')}`
}

/** Six settings, three rules, one file: the like of what the remedy notrack does to a host. */
export const PLAYBOOK = `- hosts: all
  tasks:
    - ansible.builtin.command: sysctl -w net.netfilter.nf_conntrack_tcp_timeout_{{ item }}=60
      loop: [close, close_wait, fin_wait, last_ack, syn_sent, time_wait]
    - ansible.builtin.iptables: { table: raw, chain: "{{ item.chain }}", protocol: tcp, jump: CT, comment: "bench {{ item.port }}", destination_port: "{{ item.port }}" }
      loop: [{ chain: PREROUTING, port: 8081 }, { chain: PREROUTING, port: 8082 }, { chain: OUTPUT, port: 8083 }]
    - ansible.builtin.copy: { dest: /etc/sysctl.d/90-bench.conf, content: "net.netfilter.nf_conntrack_max = 262144\\n", mode: "0644" }
`
