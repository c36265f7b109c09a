import type { ScaleRow } from './scale.ts'
import { figure, tableText } from './table.ts'

/** A table by size, and how far it is from what we aim at. */
export function scaleText(rows: readonly ScaleRow[]): string {
  const heads = [
    'tool',
    'hosts',
    'at a time',
    'seconds',
    'hosts/s',
    'CPU ms per host',
    'peak MB',
    'loop delay p50/p99/max ms',
    'answered',
  ]
  const lines = rows.map(
    ({ tool, hosts, width, seconds, hostsPerSecond, cpuMsPerHost, peakMB, loopDelay, answered }) => [
      tool,
      String(hosts),
      String(width),
      ...[seconds, hostsPerSecond, cpuMsPerHost, peakMB].map(figure),
      [loopDelay.p50, loopDelay.p99, loopDelay.max].map((ms) => ms.toFixed(0)).join('/'),
      String(answered),
    ],
  )
  return `Simulated hosts on loopback, one in twenty of them dead, silent, slow, lying or hanging up\n${tableText([heads, ...lines])}\n${aimsText(rows)}`
}

function aimsText(rows: readonly ScaleRow[]): string {
  const ours = rows.filter(({ tool }) => tool.startsWith('ctfleet'))
  const [small, large] = [ours[0], ours.at(-1)]
  const floor = rows.findLast(({ tool }) => tool.startsWith('bare'))
  if (small === undefined || large === undefined || floor === undefined) return ''
  const line = (what: string, is: number, most: number) => [
    what,
    figure(is),
    figure(most),
    is <= most ? 'met' : 'missed',
  ]
  return tableText([
    ['aim', 'is', 'at most', ''],
    line(`peak memory at ${large.hosts} hosts, MB`, large.peakMB, 300),
    line(`CPU per host at ${large.hosts}, of that at ${small.hosts}`, large.cpuMsPerHost / small.cpuMsPerHost, 1.1),
    line("CPU per host, of bare ssh2's", large.cpuMsPerHost / floor.cpuMsPerHost, 1.4),
  ])
}
