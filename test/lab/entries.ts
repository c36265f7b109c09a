import type { Ended } from './command.ts'
import type { ExecOptions, FillOptions } from './host.ts'

type Exec = (command: readonly string[] | string, options?: ExecOptions) => Promise<Ended>

/** Above this share of max the kernel's garbage collector evicts closing entries, so a fuller table needs open ones. */
const EVICTION_SHARE = 0.9

/** Fills a host's table with `conntrack -R`, about 130 000 entries a second in a namespace; throws when it falls short. */
export async function fillTable(
  exec: Exec,
  address: string,
  options: FillOptions,
): Promise<{ count: number; max: number }> {
  const max = await readNumber(exec, 'nf_conntrack_max')
  const wanted = Math.min(options.entries ?? Math.floor((max * (options.percent ?? 100)) / 100), max)
  const mixed = wanted <= max * EVICTION_SHARE
  // A round may collide with entries that are there, or lose a few to the collector: top up, a bounded number of times.
  for (let round = 0; round < 5; round++) {
    const count = await readNumber(exec, 'nf_conntrack_count')
    if (count >= wanted) return { count, max }
    const input = entries({ address, port: options.port ?? 443, how: wanted - count, from: random24(), mixed })
    // Through cat: conntrack opens /dev/stdin by name, which a socket (what Node and sshd give) does not allow.
    const loaded = await exec('cat | conntrack -R -', { input, timeoutSeconds: 300 })
    // At the very limit the kernel refuses the last one; the count decides.
    if (loaded.code !== 0 && (await readNumber(exec, 'nf_conntrack_count')) < wanted - 10 && round === 4) {
      throw new Error(`conntrack -R exited ${loaded.code}: ${loaded.stderr.slice(-500)}`)
    }
  }
  const count = await readNumber(exec, 'nf_conntrack_count')
  // A full table counts a packet in flight twice over, so "the number" is a few entries wide.
  if (count < wanted - 10) throw new Error(`the table holds ${count} entries, not ${wanted}`)
  return { count, max }
}

export async function drainTable(exec: Exec): Promise<void> {
  const ended = await exec(['conntrack', '-F'])
  if (ended.code !== 0) throw new Error(`conntrack -F exited ${ended.code}: ${ended.stderr}`)
}

/** Lines for `conntrack -R`: clients all over 10.0.0.0/8; three of four established, the fourth in TIME_WAIT if mixed. */
function entries(want: { address: string; port: number; how: number; from: number; mixed: boolean }): string {
  const lines: string[] = []
  for (let i = 0; i < want.how; i++) {
    const client = (want.from + i) & 0xffffff
    const source = `10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`
    const closing = want.mixed && i % 4 === 3
    // TIME_WAIT gets an hour, not its two minutes: a table that melts while one looks at it makes tests flake.
    const state = closing ? 'TIME_WAIT' : 'ESTABLISHED'
    const seconds = closing ? 3600 : 432000 - ((i * 7919) % 400000)
    lines.push(
      `-A -p tcp -s ${source} -d ${want.address} --sport ${1024 + (i % 60000)} --dport ${want.port} ` +
        `--state ${state} -u ASSURED,SEEN_REPLY -t ${seconds}\n`,
    )
  }
  return lines.join('')
}

function random24(): number {
  return Math.floor(Math.random() * 0x1000000)
}

async function readNumber(exec: Exec, key: string): Promise<number> {
  const ended = await exec(['cat', `/proc/sys/net/netfilter/${key}`])
  // The VM starts without the module: no file is no entry, and loading the first entry brings the limit.
  if (ended.code !== 0) throw new Error(`${key}: ${ended.stderr.trim()}`)
  return Number(ended.stdout)
}
