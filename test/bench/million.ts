import { factsScript } from '../../src/facts/catalog.ts'
import { startVm } from '../lab/index.ts'
import { figure, tableText } from './table.ts'

/** What the facts script costs a host with so many entries: seconds of the virtual machine's CPU, and bytes that it printed. */
export type MillionRow = { readonly entries: number; readonly cpu: number; readonly answer: number }

const ENTRIES = [1000, 1_000_000]
const RUNS = 3
/** An entry takes 256 bytes there, and a bucket 8. */
const MEMORY_MB = 2560

/**
 * More entries than this machine's kernel lets a namespace have, in a virtual machine. Its processor is emulated, and slower
 * by some tens: what the script costs there says little, and what more entries add to it says all.
 */
export async function benchMillion(say: (line: string) => void): Promise<readonly MillionRow[]> {
  await using vm = await startVm({ memoryMb: MEMORY_MB, say })
  const most = Math.max(...ENTRIES)
  const raise = `modprobe nf_conntrack && echo 262144 > /sys/module/nf_conntrack/parameters/hashsize && sysctl -q -w net.netfilter.nf_conntrack_max=${most}`
  const raised = await vm.exec(raise)
  if (raised.code !== 0) throw new Error(raised.stderr)
  await vm.exec('cat > /root/facts', { input: factsScript.text })
  const rows: MillionRow[] = []
  for (const entries of ENTRIES) {
    const { count } = await vm.fill({ entries })
    say(`${count} entries`)
    const runs = []
    for (let time = 0; time < RUNS; time++) {
      const { stdout } = await vm.exec(['bash', '-c', TIMED])
      const [user = 0, system = 0, answer = 0] = stdout.trim().split(/\s+/).map(Number)
      runs.push({ cpu: user + system, answer })
    }
    const [best] = runs.toSorted((a, b) => a.cpu - b.cpu)
    if (best !== undefined) rows.push({ entries: count, ...best })
  }
  return rows
}

const TIMED = `export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin TIMEFORMAT='%U %S'
{ time sh /root/facts NONCE 2 > /tmp/answer 2> /dev/null; } 2>&1
wc -c < /tmp/answer
`

export function millionText(rows: readonly MillionRow[]): string {
  const lines = rows.map(({ entries, cpu, answer }) => [String(entries), figure(cpu), figure(answer / 1e3)])
  const [few, many] = [rows[0]?.cpu ?? 0, rows.at(-1)?.cpu ?? 0]
  const heads = ['entries', 'CPU s, emulated', 'answer kB']
  return `The facts script in a virtual machine\n${tableText([heads, ...lines])}\nWith a million entries it costs ${figure(many / few)} times as much.\n`
}
