import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { installed } from '../support/installed.ts'
import { type Cgroup, makeCgroup } from './cgroup.ts'
import { inventoryText } from './inventory-text.ts'
import { type Cost, measure } from './measure.ts'
import { ensurePeers } from './peers.ts'
import { slowLink } from './slow-link.ts'
import type { Ground, Target, Tool } from './tools.ts'
import * as tools from './tools.ts'

/** One tool at one job, per host: milliseconds of CPU, and round trips where they were counted. */
export type Row = {
  readonly job: Job
  readonly tool: string
  readonly hosts: number
  readonly seconds: number
  readonly hostsPerSecond: number
  readonly controllerMs: number
  /** What each host costs beyond the first: without the start of the program. */
  readonly furtherMs: number | null
  readonly hostMs: number | null
  readonly memoryMB: number
  readonly trips: number | null
}

export type Job = 'facts' | 'plan' | 'apply' | 'again'

export type Skipped = { readonly job: Job; readonly tool: string; readonly why: string }

export type HostsReport = { readonly rows: readonly Row[]; readonly skipped: readonly Skipped[] }

const PORTS = [80, 443, 8443] as const
const notrack = (turn: number) => ['--strategy', 'notrack', '--ports', String(PORTS[turn])]
const apply = (turn: number) => ['apply', ...notrack(turn), '--yes', '--waves', '100%']
const LINK_MS = 400

/** Jobs in turn; `many` is done on all hosts, the rest on the first sixteen, as those tools take seconds for each. */
const TURNS: readonly {
  readonly job: Job
  readonly tool: Tool
  readonly on: 'all' | 'some'
  readonly runs: number
  readonly trips: boolean
}[] = [
  { job: 'facts', tool: tools.bareSsh2, on: 'all', runs: 2, trips: true },
  { job: 'facts', tool: tools.ctfleet('ctfleet facts', () => ['facts'], 50, 'read'), on: 'all', runs: 2, trips: true },
  { job: 'facts', tool: tools.clush, on: 'all', runs: 1, trips: false },
  { job: 'facts', tool: tools.ansibleRaw, on: 'all', runs: 1, trips: false },
  { job: 'facts', tool: tools.ansibleSetup, on: 'some', runs: 1, trips: true },
  {
    job: 'plan',
    tool: tools.ctfleet('ctfleet plan', (turn) => ['plan', ...notrack(turn)], 50, 'planned'),
    on: 'all',
    runs: 2,
    trips: true,
  },
  { job: 'apply', tool: tools.ansiblePlaybook('ansible-playbook'), on: 'some', runs: 1, trips: false },
  { job: 'again', tool: tools.ansiblePlaybook('ansible-playbook'), on: 'some', runs: 1, trips: false },
  { job: 'apply', tool: tools.ctfleet('ctfleet apply', apply, 25, 'applied'), on: 'some', runs: 1, trips: true },
  { job: 'again', tool: tools.ctfleet('ctfleet apply', apply, 25, 'already-right'), on: 'some', runs: 1, trips: false },
]

const SOME = 16

/** Does the same work with one tool after the other on real sshd hosts that it starts itself. */
export async function benchHosts(dir: string, count: number, say: (line: string) => void): Promise<HostsReport> {
  const able = canRunLab()
  if (!able.ok) throw new Error(able.why)
  await ensurePeers(say)
  const groups = { own: makeCgroup('ctfleet-bench-tool'), hosts: makeCgroup('ctfleet-bench-hosts') }
  if ('why' in groups.own || 'why' in groups.hosts)
    throw new Error('why' in groups.own ? groups.own.why : 'no second control group')
  const { own, hosts } = groups
  try {
    const program = await installed(join(dir, 'ctfleet'))
    // One more, to which the way is long.
    const names = Array.from({ length: count + 1 }, (_, at) => `web-${at + 1}`)
    say(`starting ${names.length} hosts`)
    await using lab = await hosts.within(async () => await startLab({ hosts: names, dir: join(dir, 'lab') }))
    return await inTurn(lab, { dir, program, say, own, hosts })
  } finally {
    await own.remove()
    await hosts.remove()
  }
}

type Means = {
  readonly dir: string
  readonly program: string
  readonly say: (line: string) => void
  readonly own: Cgroup
  readonly hosts: Cgroup
}

async function inTurn(lab: Lab, { dir, program, say, own, hosts }: Means): Promise<HostsReport> {
  const targets = await targetsOf(lab)
  const far = targets.slice(-1)
  const near = targets.slice(0, -1)
  const base = { program, privateKeyFile: join(lab.dir, 'id_ed25519') }
  const grounds = {
    all: await groundFor(join(dir, 'all'), near, base),
    some: await groundFor(join(dir, 'some'), near.slice(0, SOME), base),
  }
  const rows: Row[] = []
  const skipped: Skipped[] = []
  for (const { job, tool, on, runs, trips } of TURNS) {
    const ground = grounds[on]
    if (!(await tools.isThere(tool))) {
      skipped.push({ job, tool: tool.name, why: `${tool.needs} is not there` })
      continue
    }
    say(`${job}: ${tool.name}, ${ground.hosts.length} hosts`)
    const costs: Cost[] = []
    for (let run = 0; run < runs; run++) {
      const cost = await fromCold(tool, ground, { own, hosts, turn: 0 })
      const wrong = tool.complaint(cost, ground)
      if (wrong !== null) skipped.push({ job, tool: tool.name, why: wrong })
      else costs.push(cost)
    }
    if (costs.length === 0) continue
    const one = trips ? await oneFarAway(tool, far, { dir, base, own }) : null
    rows.push(rowOf(job, tool, { costs, hosts: ground.hosts.length, one }))
  }
  return { rows, skipped }
}

/** Connections that a tool leaves open for its next run would make that one look cheap. */
async function fromCold(
  tool: Tool,
  ground: Ground,
  on: { readonly own: Cgroup; readonly hosts: Cgroup | null; readonly turn: number },
): Promise<Cost> {
  const cost = await measure(await tool.command(ground, on.turn), on)
  on.own.sweep()
  await rm(join(ground.dir, 'cp'), { recursive: true, force: true })
  return cost
}

function rowOf(
  job: Job,
  tool: Tool,
  from: { readonly costs: readonly Cost[]; readonly hosts: number; readonly one: OneHost | null },
): Row {
  const { costs, hosts, one } = from
  const median = (of: (cost: Cost) => number) => costs.map(of).sort((a, b) => a - b)[(costs.length - 1) >> 1] as number
  const seconds = median(({ wall }) => wall)
  return {
    job,
    tool: tool.name,
    hosts,
    seconds,
    hostsPerSecond: hosts / seconds,
    controllerMs: median(({ cpu }) => (cpu * 1000) / hosts),
    furtherMs: one === null ? null : median(({ cpu }) => ((cpu - one.cpu) * 1000) / (hosts - 1)),
    hostMs: costs.some(({ hostCpu }) => hostCpu === null)
      ? null
      : median(({ hostCpu }) => ((hostCpu ?? 0) * 1000) / hosts),
    memoryMB: Math.max(...costs.map(({ memory }) => memory)) / 1e6,
    trips: one?.trips ?? null,
  }
}

type OneHost = { readonly cpu: number; readonly trips: number }

/** The job on one host alone. Round trips: what it takes longer over a long link than over the same proxy that keeps nobody waiting. */
async function oneFarAway(
  tool: Tool,
  [target]: readonly Target[],
  {
    dir,
    base,
    own,
  }: { readonly dir: string; readonly base: Pick<Ground, 'program' | 'privateKeyFile'>; readonly own: Cgroup },
): Promise<OneHost | null> {
  if (target === undefined) return null
  const costs: Cost[] = []
  for (const ms of [0, LINK_MS]) {
    const link = await slowLink(target, ms)
    try {
      const ground = await groundFor(join(dir, 'far'), [{ ...target, address: '127.0.0.1', port: link.port }], base)
      const cost = await fromCold(tool, ground, { own, hosts: null, turn: ms === 0 ? 1 : 2 })
      if (tool.complaint(cost, ground) !== null) return null
      costs.push(cost)
    } finally {
      link.close()
    }
  }
  const [quick, slow] = costs as [Cost, Cost]
  return { cpu: quick.cpu, trips: (slow.wall - quick.wall) / (LINK_MS / 1000) }
}

async function targetsOf(lab: Lab): Promise<readonly Target[]> {
  const known = await readFile(join(lab.dir, 'known_hosts'), 'utf8')
  const keys = new Map(known.split('\n').map((line) => [line.split(',')[0] ?? '', line.split(' ')[2] ?? '']))
  return lab.hosts.map(({ name, address, port, user }) => ({ name, address, port, user, key: keys.get(name) ?? '' }))
}

async function groundFor(
  dir: string,
  hosts: readonly Target[],
  { program, privateKeyFile }: Pick<Ground, 'program' | 'privateKeyFile'>,
): Promise<Ground> {
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  const knownHosts = join(dir, 'known_hosts')
  const inventory = join(dir, 'inventory.yaml')
  const keys = hosts.map(
    ({ address, port, key }) => `${port === 22 ? address : `[${address}]:${port}`} ssh-ed25519 ${key}\n`,
  )
  await writeFile(knownHosts, keys.join(''))
  await writeFile(inventory, inventoryText(hosts, { knownHosts, privateKeyFile }))
  await writeFile(join(dir, 'playbook.yaml'), tools.PLAYBOOK)
  await writeFile(join(dir, 'ansible.cfg'), '')
  const privateKey = await readFile(privateKeyFile, 'utf8')
  return { dir, inventory, knownHosts, privateKeyFile, privateKey, hosts, program }
}
