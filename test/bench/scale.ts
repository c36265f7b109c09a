import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installed } from '../support/installed.ts'
import { type Cgroup, makeCgroup } from './cgroup.ts'
import { type Crowd, startCrowd } from './crowd.ts'
import { inventoryText } from './inventory-text.ts'
import { type Command, type Cost, measure } from './measure.ts'
import type { Target } from './tools.ts'

/** `ctfleet facts`, or bare ssh2, over so many simulated hosts. */
export type ScaleRow = {
  readonly tool: string
  readonly hosts: number
  /** At a time. */
  readonly width: number
  readonly seconds: number
  readonly hostsPerSecond: number
  readonly cpuMsPerHost: number
  /** Of the one process, 1e6 bytes: all that is resident. */
  readonly peakMB: number
  /** How long the event loop kept others waiting, in milliseconds. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly answered: number
}

/** The text of the facts script has this many bytes, about. */
const SCRIPT_BYTES = 22_000
const GIVE_UP_MS = 15_000
const WATCHING = ['--require', join(import.meta.dirname, 'watched.cjs')]

/** Reads the facts of thousands of hosts over SSH, one in twenty of which is dead, slow or lying. */
export async function benchScale(
  dir: string,
  wish: { readonly sizes: readonly number[]; readonly width: number; readonly say: (line: string) => void },
): Promise<readonly ScaleRow[]> {
  const own = makeCgroup('ctfleet-bench-tool')
  if ('why' in own) throw new Error(own.why)
  try {
    const program = await installed(join(dir, 'ctfleet'))
    const crowd = await startCrowd(dir)
    try {
      const rows: ScaleRow[] = []
      for (const count of wish.sizes) {
        const ground = join(dir, String(count))
        await mkdir(ground)
        for (const entrant of [ours(program), bareSsh2]) {
          wish.say(`${entrant.tool}, ${count} hosts`)
          rows.push(await entrantRow(entrant, { dir: ground, crowd, own, count, width: wish.width }))
        }
      }
      return rows
    } finally {
      crowd.end()
    }
  } finally {
    await own.remove()
  }
}

type Given = {
  readonly dir: string
  readonly hosts: readonly Target[]
  readonly crowd: Crowd
  readonly width: number
}

type Entrant = {
  readonly tool: string
  command(given: Given): Promise<Command>
  answered(cost: Cost): number
}

const ours = (program: string): Entrant => ({
  tool: 'ctfleet facts',
  async command({ dir, hosts, crowd, width }) {
    const knownHosts = join(dir, 'known_hosts')
    const inventory = join(dir, 'inventory.yaml')
    const lines = hosts.map(({ address, port, key }) => `[${address}]:${port} ssh-ed25519 ${key}\n`)
    await writeFile(knownHosts, lines.join(''))
    await writeFile(inventory, inventoryText(hosts, { knownHosts, privateKeyFile: crowd.privateKeyFile }))
    const words = [program, 'facts', '-i', inventory, '--forks', String(width)]
    return { argv: [process.execPath, ...WATCHING, ...words], env: { CTFLEET_STATE: join(dir, 'state') } }
  },
  // The last words: `Reading: 1 min 50 s, 9 600 read, 400 unreachable`.
  answered: ({ stderr }) => Number(/.*, ([\d\s]+) read\b/s.exec(stderr)?.[1]?.replace(/\s/g, '') ?? 0),
})

const bareSsh2: Entrant = {
  tool: 'bare ssh2',
  async command({ dir, hosts, crowd: { privateKey }, width }) {
    const script = `set -- nonce\n${'#'.repeat(SCRIPT_BYTES)}\n`
    const job = { hosts, privateKey, script, arguments: [], width, giveUpMs: GIVE_UP_MS }
    await writeFile(join(dir, 'floor.json'), JSON.stringify(job))
    const words = [join(import.meta.dirname, 'floor.mjs'), join(dir, 'floor.json')]
    return { argv: [process.execPath, ...WATCHING, ...words], env: {} }
  },
  answered: ({ stdout }) => Number(/^(\d+) of/.exec(stdout)?.[1] ?? 0),
}

async function entrantRow(
  entrant: Entrant,
  on: {
    readonly dir: string
    readonly crowd: Crowd
    readonly own: Cgroup
    readonly count: number
    readonly width: number
  },
): Promise<ScaleRow> {
  const { dir, crowd, own, count, width } = on
  const watched = join(dir, 'watched.json')
  const { tool } = entrant
  const { argv, env } = await entrant.command({ dir, hosts: crowd.hosts(count), crowd, width })
  const cost = await measure({ argv, env: { ...env, BENCH_WATCHED: watched } }, { own, hosts: null })
  const answered = entrant.answered(cost)
  if (answered === 0) throw new Error(`${tool} reached nobody: ${cost.stderr.slice(-500)}`)
  const told = JSON.parse(await readFile(watched, 'utf8')) as { delay: ScaleRow['loopDelay']; memory: number }
  return {
    tool,
    hosts: count,
    width,
    seconds: cost.wall,
    hostsPerSecond: count / cost.wall,
    cpuMsPerHost: (cost.cpu * 1000) / count,
    peakMB: told.memory / 1e6,
    loopDelay: told.delay,
    answered,
  }
}
