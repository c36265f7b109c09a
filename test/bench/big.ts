import { factsScript } from '../../src/facts/catalog.ts'
import { type LabHost, startLab } from '../lab/index.ts'
import { type Cgroup, makeCgroup } from './cgroup.ts'
import { measure } from './measure.ts'
import { SHAPES } from './rule-shapes.ts'
import { figure, tableText } from './table.ts'

/** What the facts script costs a host of a size. Seconds of CPU; bytes that it held at its peak, and that it printed. */
export type BigRow = {
  readonly entries: number
  readonly rules: number
  readonly backend: Backend
  readonly cpu: number
  readonly memory: number
  readonly answer: number
  /** Bytes that were read from the table of entries. */
  readonly ofTheTable: number
}

type Backend = 'legacy' | 'nft'

const ENTRIES = [1000, 262_144]
const RULES = [10, 1000, 20_000]
const HOSTS = { legacy: 'legacy-1', nft: 'web-1' } as const satisfies Record<Backend, string>
const RUNS = 3

/** Runs the facts script on hosts with ever more rules and entries; 262144 entries are what a namespace can hold where the machine's max is that. */
export async function benchBig(say: (line: string) => void): Promise<readonly BigRow[]> {
  const own = makeCgroup('ctfleet-bench-big')
  if ('why' in own) throw new Error(own.why)
  try {
    await using lab = await startLab({ hosts: Object.values(HOSTS), say })
    const rows: BigRow[] = []
    for (const backend of ['legacy', 'nft'] as const) {
      const host = lab.host(HOSTS[backend])
      for (const rules of RULES) {
        await load(host, rules)
        for (const entries of ENTRIES) {
          await host.drain()
          const { count } = await host.fill({ entries })
          say(`${backend}: ${rules} rules, ${count} entries`)
          rows.push({ backend, rules, entries: count, ...(await cheapest(host, own)) })
        }
      }
    }
    return rows
  } finally {
    await own.remove()
  }
}

export function bigText(rows: readonly BigRow[]): string {
  const heads = ['rules by', 'rules', 'entries', 'CPU s', 'peak MB', 'answer kB', 'of it entries kB']
  const lines = rows.map(({ backend, rules, entries, cpu, memory, answer, ofTheTable }) => [
    `iptables-${backend}`,
    String(rules),
    String(entries),
    ...[cpu, memory / 1e6, answer / 1e3, ofTheTable / 1e3].map(figure),
  ])
  const [cpu, memory] = [Math.max(...rows.map((row) => row.cpu)), Math.max(...rows.map((row) => row.memory)) / 1e6]
  const aims = [
    ['aim', 'is', 'at most', ''],
    ['CPU of the script, s', figure(cpu), '0.50', cpu <= 0.5 ? 'met' : 'missed'],
    ['memory of the script, MB', figure(memory), '20.0', memory <= 20 ? 'met' : 'missed'],
  ]
  return `The facts script on large hosts\n${tableText([heads, ...lines])}\n${tableText(aims)}`
}

async function load(host: LabHost, rules: number): Promise<void> {
  const [blocklist] = SHAPES
  const input = blocklist?.dump(rules) ?? ''
  const ended = await host.exec(['iptables-restore'], { input, timeoutSeconds: 120 })
  if (ended.code !== 0) throw new Error(`iptables-restore: ${ended.stderr}`)
}

async function cheapest(
  host: LabHost & { pid(): Promise<number> },
  own: Cgroup,
): Promise<Pick<BigRow, 'cpu' | 'memory' | 'answer' | 'ofTheTable'>> {
  const inside = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd']
  const env = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C']
  const argv = ['nsenter', '--target', String(await host.pid()), ...inside, ...env, '/bin/sh', '-c']
  const runs = []
  for (let run = 0; run < RUNS; run++) {
    const command = { argv: [...argv, factsScript.text, 'sh', 'bench0nonce', '0'], env: {} }
    runs.push(await measure(command, { own, hosts: null, everyMs: 5 }))
  }
  const answer = runs[0]?.stdout ?? ''
  const entries = /begin "entries" own\n(.*?)\nbench0nonce end/s.exec(answer)?.[1] ?? ''
  return {
    cpu: Math.min(...runs.map(({ cpu }) => cpu)),
    memory: Math.max(...runs.map(({ memory }) => memory)),
    answer: Buffer.byteLength(answer),
    ofTheTable: Buffer.byteLength(entries),
  }
}
