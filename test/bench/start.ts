import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installed } from '../support/installed.ts'
import { tableText } from './table.ts'

/**
 * Milliseconds from the start of a process to its end, the median and the least; what the median is beside `node -e 0`; and
 * processor time of one start, the mean, which hardly depends on who else is at work.
 */
export type Start = {
  readonly what: string
  readonly ms: number
  readonly least: number
  readonly more: number
  readonly ratio: number
  readonly cpu: number
}

const ROUNDS = 20
const LOOKED_AT = ['--version', '--help', 'plan --help', 'runs'] as const

/** How long ctfleet takes to start, bundled as it is shipped. All take turns, so that what else the machine does hits all alike. */
export async function benchStart(): Promise<readonly Start[]> {
  const dir = await mkdtemp(join(tmpdir(), 'ctfleet-start-'))
  try {
    const program = await installed(join(dir, 'ctfleet'))
    const env = { ...process.env, CTFLEET_STATE: join(dir, 'state') }
    const words: readonly (readonly string[])[] = [
      ['-e', '0'],
      ...LOOKED_AT.map((line) => [program, ...line.split(' ')]),
    ]
    const times = words.map((): number[] => [])
    const cpu = words.map(() => 0)
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [at, each] of words.entries()) {
        const [began, spent] = [performance.now(), childrenMs()]
        const { status, stderr } = spawnSync(process.execPath, each, { env, stdio: ['ignore', 'pipe', 'pipe'] })
        if (status !== 0) throw new Error(`${each.join(' ')} ended with ${status}: ${stderr.toString()}`)
        // The first round fills the caches.
        if (round === 0) continue
        times[at]?.push(performance.now() - began)
        cpu[at] = (cpu[at] ?? 0) + (childrenMs() - spent) / ROUNDS
      }
    }
    const [node = 0] = times.map(median)
    return words.map((_, at) => {
      const each = times[at] ?? []
      const ms = median(each)
      const what = at === 0 ? 'node -e 0' : `ctfleet ${LOOKED_AT[at - 1]}`
      return { what, ms, least: Math.min(...each), more: ms - node, ratio: ms / node, cpu: cpu[at] ?? 0 }
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export function startText(found: readonly Start[]): string {
  const head = ['', 'ms', 'more than node', 'times node', 'least', 'CPU']
  const rows = found.map(({ what, ms, least, more, ratio, cpu }) => {
    const figures = [ms, more].map((value) => value.toFixed(0))
    return [what, ...figures, ratio.toFixed(2), least.toFixed(0), cpu.toFixed(0)]
  })
  return `\nstart, bundled: milliseconds, the median of ${ROUNDS}\n${tableText([head, ...rows])}`
}

/** Processor time of all children that ended, in milliseconds, as the kernel counts it: in hundredths of a second. */
function childrenMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
