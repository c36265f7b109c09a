import type { HostsReport, Row } from './hosts.ts'
import { figure, tableText } from './table.ts'

/** A table of what each tool took, and how far it is from what we aim at. */
export function hostsText({ rows, skipped }: HostsReport): string {
  const heads = [
    'job',
    'tool',
    'hosts',
    'seconds',
    'hosts/s',
    'controller ms',
    'each further',
    'host ms',
    'peak MB',
    'round trips',
  ]
  const lines = rows.map((row) => [
    row.job,
    row.tool,
    String(row.hosts),
    ...[row.seconds, row.hostsPerSecond, row.controllerMs, row.furtherMs, row.hostMs, row.memoryMB, row.trips].map(
      figure,
    ),
  ])
  const left = skipped.map(({ job, tool, why }) => `left out: ${job}, ${tool}: ${why}\n`)
  return `Real sshd hosts; CPU in milliseconds per host\n${tableText([heads, ...lines])}${left.join('')}\n${aimsText(rows)}`
}

type Aim = { readonly what: string; readonly is: number | null; readonly most: number }

function aimsText(rows: readonly Row[]): string {
  const lines = aimsFor(rows).map(({ what, is, most }) => [
    what,
    figure(is),
    figure(most),
    is === null ? '' : is <= most ? 'met' : 'missed',
  ])
  return tableText([['aim', 'is', 'at most', ''], ...lines])
}

function aimsFor(rows: readonly Row[]): readonly Aim[] {
  const of = (job: Row['job'], tool: string) => rows.find((row) => row.job === job && row.tool.startsWith(tool))
  const ratio = (a: number | null | undefined, b: number | null | undefined) => (a && b ? a / b : null)
  const floor = of('facts', 'bare ssh2')
  const setup = of('facts', 'ansible setup')
  const aims: Aim[] = []
  for (const job of ['facts', 'plan'] as const) {
    const ours = of(job, 'ctfleet')
    aims.push(
      { what: `${job}: controller CPU, of bare ssh2's`, is: ratio(ours?.controllerMs, floor?.controllerMs), most: 1.4 },
      { what: `${job}: the same for each further host`, is: ratio(ours?.furtherMs, floor?.furtherMs), most: 1.4 },
      {
        what: `${job}: controller CPU, of ansible setup's`,
        is: ratio(ours?.controllerMs, setup?.controllerMs),
        most: 1 / 15,
      },
      { what: `${job}: host CPU, ms`, is: ours?.hostMs ?? null, most: 90 },
      { what: `${job}: host CPU, of ansible setup's`, is: ratio(ours?.hostMs, setup?.hostMs), most: 1 / 6 },
      { what: `${job}: peak memory, MB`, is: ours?.memoryMB ?? null, most: 120 },
      { what: `${job}: round trips`, is: ours?.trips ?? null, most: 14 },
    )
  }
  const speed = ratio(floor?.hostsPerSecond, of('facts', 'ctfleet')?.hostsPerSecond)
  const [ours, theirs] = [of('apply', 'ctfleet'), of('apply', 'ansible')]
  const again = ratio(of('again', 'ctfleet')?.hostMs, of('plan', 'ctfleet')?.hostMs)
  return [
    ...aims,
    { what: "facts: bare ssh2's hosts/s, of ours", is: speed, most: 1.1 },
    {
      what: "apply: controller CPU, of the playbook's",
      is: ratio(ours?.controllerMs, theirs?.controllerMs),
      most: 1 / 20,
    },
    { what: "apply: host CPU, of the playbook's", is: ratio(ours?.hostMs, theirs?.hostMs), most: 1 / 15 },
    { what: 'apply: round trips', is: ours?.trips ?? null, most: 32 },
    { what: "second apply: host CPU, of a plan's", is: again, most: 1.1 },
  ]
}
