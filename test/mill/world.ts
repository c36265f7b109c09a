import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Family } from '../../src/firewall/rules.ts'
import { must, run } from '../lab/command.ts'
import { type Agent, startAgent } from './agent.ts'

/**
 * Three namespaces in a row, `near` – `host` – `far`, where the host is a router: kept for many rule sets. Neighbours are
 * written down, so that rules decide about packets and never about who finds whom.
 */
export type World = AsyncDisposable & {
  readonly host: Agent
  readonly near: Agent
  readonly far: Agent
  /** Makes the host look as a rule set expects it: names of its interfaces, one more address on either side. */
  dress(guise: Guise): Promise<void>
}

export type Guise = {
  /** The host's interface towards `near`, and the one towards `far`. */
  readonly interfaces: readonly [near: string, far: string]
  /** The address that `near` uses as a client, in place of its own. */
  readonly client?: Partial<Record<Family, string>>
  /** One more address of the host that is asked in place of its own. */
  readonly server?: Partial<Record<Family, string>>
}

export const PLAIN: Guise = { interfaces: ['eth0', 'eth1'] }

type Ends = {
  readonly near: string
  readonly far: string
  readonly host: string
  readonly hostFar: string
  /** Nothing listens there, so that any port is free to come from; a fresh one for each matrix of a case. */
  readonly nearBare: readonly [string, string, string]
  readonly hostBare: readonly [string, string, string]
  readonly loopback: string
}

export const ENDS: Readonly<Record<Family, Ends>> = {
  ip: {
    near: '198.18.1.2',
    nearBare: ['198.18.1.4', '198.18.1.5', '198.18.1.6'],
    host: '198.18.1.1',
    hostBare: ['198.18.1.3', '198.18.1.7', '198.18.1.8'],
    hostFar: '198.18.2.1',
    far: '198.18.2.2',
    loopback: '127.0.0.1',
  },
  ip6: {
    near: 'fd00:198:18:1::2',
    nearBare: ['fd00:198:18:1::4', 'fd00:198:18:1::5', 'fd00:198:18:1::6'],
    host: 'fd00:198:18:1::1',
    hostBare: ['fd00:198:18:1::3', 'fd00:198:18:1::7', 'fd00:198:18:1::8'],
    hostFar: 'fd00:198:18:2::1',
    far: 'fd00:198:18:2::2',
    loopback: '::1',
  },
}

const FAMILIES = ['ip', 'ip6'] as const satisfies readonly Family[]
const MAC = {
  near: '02:00:00:00:01:02',
  host: '02:00:00:00:01:01',
  hostFar: '02:00:00:00:02:01',
  far: '02:00:00:00:02:02',
}

/** @param lane tells several worlds of one process apart */
export async function makeWorld(lane: number): Promise<World> {
  const prefix = `ctmill-${process.pid}-${lane}`
  const name = { host: `${prefix}-h`, near: `${prefix}-n`, far: `${prefix}-f` }
  const lockFile = join(tmpdir(), `${prefix}.lock`)
  for (const each of Object.values(name)) {
    await must(['ip', 'netns', 'add', each])
    await must(['ip', '-n', each, 'link', 'set', 'lo', 'up'])
  }
  for (const [own, other, macs] of [
    ['up0', 'near', [MAC.host, MAC.near]],
    ['up1', 'far', [MAC.hostFar, MAC.far]],
  ] as const) {
    const [mine, theirs] = macs
    const peer = ['peer', 'name', 'eth0', 'address', theirs, 'netns', name[other]]
    await must(['ip', '-n', name.host, 'link', 'add', own, 'address', mine, 'type', 'veth', ...peer])
  }
  const [host, near, far] = (['host', 'near', 'far'] as const).map((each) =>
    startAgent(name[each], each, lockFile),
  ) as [Agent, Agent, Agent]
  for (const agent of [host, near, far]) await ran(agent, ['sh', '-c', SETTINGS])
  await batch(near, clientSetUp('near'))
  await batch(far, clientSetUp('far'))
  let worn: Guise = { interfaces: ['up0', 'up1'] }
  return {
    host,
    near,
    far,
    async dress(guise) {
      await undress({ host, near }, worn)
      if (guise.interfaces.join() !== worn.interfaces.join()) await rename(host, worn.interfaces, guise.interfaces)
      await putOn({ host, near }, guise)
      worn = guise
    },
    async [Symbol.asyncDispose]() {
      for (const agent of [host, near, far]) await agent[Symbol.asyncDispose]()
      for (const each of Object.values(name)) await run(['ip', 'netns', 'del', each])
      await rm(lockFile, { force: true })
    },
  }
}

/** Namespaces of runs that were killed: their process is gone. */
export async function sweepWorlds(): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'list'])
  for (const [namespace, pid] of stdout.matchAll(/^ctmill-(\d+)-\d+-[hnf]/gm)) {
    if (!existsSync(`/proc/${pid}`)) await run(['ip', 'netns', 'del', namespace])
  }
}

// The kernel sends only so many ICMP errors a second; a matrix asks for more. What a kernel has not is left out.
const SETTINGS = `cd /proc/sys/net || exit
set_to() { [ ! -e "$2" ] || echo "$1" 2> /dev/null > "$2" || :; }
set_to 1 ipv4/ip_forward
set_to 1 ipv6/conf/all/forwarding
set_to 0 ipv4/conf/all/rp_filter
set_to 0 ipv4/conf/default/rp_filter
set_to 0 ipv6/conf/all/accept_dad
set_to 0 ipv6/conf/default/accept_dad
set_to 0 ipv4/icmp_ratelimit
set_to 0 ipv4/icmp_ratemask
set_to 1000000 ipv4/icmp_msgs_per_sec
set_to 1000000 ipv4/icmp_msgs_burst
set_to 0 ipv6/icmp/ratelimit`

function clientSetUp(side: 'near' | 'far'): readonly string[] {
  return [
    'link set eth0 up',
    ...FAMILIES.flatMap((family) => {
      const ends = ENDS[family]
      const router = side === 'near' ? ends.host : ends.hostFar
      const mac = side === 'near' ? MAC.host : MAC.hostFar
      return [
        address('add', family, ends[side], 'eth0'),
        ...(side === 'near' ? ends.nearBare.map((each) => spare(address('add', family, each, 'eth0'))) : []),
        `neigh replace ${router} lladdr ${mac} nud permanent dev eth0`,
        ...(side === 'near'
          ? ends.hostBare.map((each) => `neigh replace ${each} lladdr ${mac} nud permanent dev eth0`)
          : []),
        `route replace default via ${router} dev eth0 src ${ends[side]}`,
      ]
    }),
  ]
}

async function rename(host: Agent, from: Guise['interfaces'], to: Guise['interfaces']): Promise<void> {
  await batch(host, [
    ...from.flatMap((name, at) => [`link set ${name} down`, `link set ${name} name ctmill${at}`]),
    ...to.flatMap((name, at) => [`link set ctmill${at} name ${name}`, `link set ${name} up`]),
    ...FAMILIES.flatMap((family) => {
      const ends = ENDS[family]
      const [near, far] = to
      return [
        address('replace', family, ends.host, near),
        ...ends.hostBare.map((each) => spare(address('replace', family, each, near))),
        address('replace', family, ends.hostFar, far),
        `neigh replace ${ends.near} lladdr ${MAC.near} nud permanent dev ${near}`,
        ...ends.nearBare.map((each) => `neigh replace ${each} lladdr ${MAC.near} nud permanent dev ${near}`),
        `neigh replace ${ends.far} lladdr ${MAC.far} nud permanent dev ${far}`,
      ]
    }),
  ])
}

type Sides = { readonly host: Agent; readonly near: Agent }

async function putOn({ host, near }: Sides, { interfaces: [dev], client = {}, server = {} }: Guise): Promise<void> {
  const [clients, servers] = [Object.entries(client), Object.entries(server)] as const
  await batch(host, [
    ...servers.map(([family, each]) => address('add', family, each, dev, 'host')),
    ...clients.flatMap(([family, each]) => [
      `neigh replace ${each} lladdr ${MAC.near} nud permanent dev ${dev}`,
      `route replace ${each} dev ${dev} src ${ENDS[family as Family].host}`,
    ]),
  ])
  await batch(near, [
    ...clients.map(([family, each]) => address('add', family, each, 'eth0', 'host')),
    ...servers.flatMap(([, each]) => [
      `neigh replace ${each} lladdr ${MAC.host} nud permanent dev eth0`,
      `route replace ${each} dev eth0`,
    ]),
  ])
}

async function undress({ host, near }: Sides, { interfaces: [dev], client = {}, server = {} }: Guise): Promise<void> {
  const [clients, servers] = [Object.entries(client), Object.entries(server)] as const
  await batch(host, [
    ...clients.flatMap(([, each]) => [`route del ${each} dev ${dev}`, `neigh del ${each} dev ${dev}`]),
    ...servers.map(([family, each]) => address('del', family, each, dev, 'host')),
  ])
  await batch(near, [
    ...servers.flatMap(([, each]) => [`route del ${each} dev eth0`, `neigh del ${each} dev eth0`]),
    ...clients.map(([family, each]) => address('del', family, each, 'eth0', 'host')),
  ])
}

function address(verb: string, family: string, which: string, dev: string, size: 'net' | 'host' = 'net'): string {
  const bits = family === 'ip' ? { net: 24, host: 32 } : { net: 64, host: 128 }
  return `address ${verb} ${which}/${bits[size]} dev ${dev}${family === 'ip6' && verb !== 'del' ? ' nodad' : ''}`
}

/** Never the kernel's own choice to come from. IPv4 takes the first of a net by itself. */
function spare(command: string): string {
  return command.includes('nodad') ? `${command} preferred_lft 0` : command
}

async function batch(agent: Agent, commands: readonly string[]): Promise<void> {
  if (commands.length > 0) await ran(agent, ['ip', '-batch', '-'], `${commands.join('\n')}\n`)
}

async function ran(agent: Agent, argv: readonly string[], input?: string): Promise<void> {
  const { code, stderr } = await agent.run(argv, input)
  if (code !== 0) throw new Error(`${argv.join(' ')} exited ${code}: ${stderr}\n${input ?? ''}`)
}
