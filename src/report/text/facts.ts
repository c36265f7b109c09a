import { bytes, counted, duration, grouped, percent } from '../../diagnosis/numbers.ts'
import type { ConntrackFacts, Facts, FirewallFacts, LockHolder, Module, RuleDump, Share } from '../../model/facts.ts'
import { known, mapReading, type Reading } from '../../model/reading.ts'
import type { FactsResult } from '../../model/result.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'
import { byCause, commonFault, faultLines, unreachableLines } from './fault.ts'
import { groups } from './groups.ts'
import { momentText } from './moment.ts'
import { type Row, rows } from './rows.ts'
import { names } from './status.ts'

/** What of a host the report needs: all of ten thousand hosts' facts would take more memory than all else. */
export type Told =
  /** Its part of the report, in UTF-8: half of what a string takes that holds a thin space. */
  | { readonly host: string; readonly status: 'read'; readonly part: Buffer }
  | Exclude<FactsResult, { readonly status: 'read' }>

/** Writes the part of a host that was read, so that its facts need not be kept until all are there. */
export function told(paper: Paper, result: FactsResult): Told {
  if (result.status !== 'read') return result
  return { host: result.host, status: 'read', part: Buffer.from(hostLines(paper, [result]).join('\n')) }
}

/** The facts of each host by subject; what could not be read says why. Last, once for each cause, those that told nothing. */
export function factsText(paper: Paper, results: readonly (FactsResult | Told)[]): readonly string[] {
  return [...factsParts(paper, results)].flat()
}

/** The same host by host, for whoever prints them as they come. */
export function* factsParts(
  paper: Paper,
  results: readonly (FactsResult | Told)[],
): Generator<readonly string[], void, void> {
  const isMany = results.length > 1
  if (isMany) yield summaryLines(paper, results)
  const read = results.filter(({ status }) => status === 'read')
  const fallen = results.filter(({ status }) => status !== 'read')
  let isFirst = !isMany
  for (const group of [...read.map((result) => [result]), ...byCause(fallen)]) {
    yield [...(isFirst ? [] : ['']), ...hostLines(paper, group)]
    isFirst = false
  }
}

function summaryLines(paper: Paper, results: readonly Pick<FactsResult, 'status'>[]): readonly string[] {
  const counts = groups(results, ({ status }) => status).map(([status, { length }]) => `${grouped(length)} ${status}`)
  const title = { tone: 'strong', text: counted(results.length, 'host', 'hosts') } as const
  return paragraph(paper, '', title, `: ${counts.join(', ')}`)
}

function hostLines(paper: Paper, group: readonly (FactsResult | Told)[]): readonly string[] {
  const [result] = group
  if (result === undefined) return []
  if ('part' in result) return result.part.toString().split('\n')
  const name = { tone: 'strong', text: names(group) } as const
  switch (result.status) {
    case 'read':
      return [
        ...paragraph(paper, '', name),
        ...(result.notRoot === undefined ? [] : faultLines(paper, '  ', result.notRoot)),
        ...subjects(paper, result.facts),
      ]
    case 'not-reached':
      return [
        ...paragraph(paper, '', name, ': ', { tone: 'warn', text: result.status }),
        ...paragraph(paper, '  ', result.why),
      ]
    case 'unreachable':
      return [...fallenHead(paper, group), ...unreachableLines(paper, '  ', commonFault(group) ?? result.fault)]
    case 'failed':
      return [...fallenHead(paper, group), ...faultLines(paper, '  ', commonFault(group) ?? result.fault)]
  }
}

function fallenHead(paper: Paper, group: readonly (FactsResult | Told)[]): readonly string[] {
  const status = group[0]?.status ?? ''
  return paragraph(paper, '', { tone: 'strong', text: names(group) }, ': ', { tone: 'bad', text: status })
}

function subjects(paper: Paper, facts: Facts): readonly string[] {
  const subjects: readonly (readonly [title: string, rows: readonly Row[]])[] = [
    ['System', systemRows(facts)],
    ['Tracking', trackingRows(facts.conntrack)],
    ['Loss', lossRows(facts)],
    ['Who fills the table', entryRows(facts)],
    ['Firewall', firewallRows(facts.firewall, facts)],
    ['At boot', bootRows(facts)],
  ]
  return subjects.flatMap(([title, group]) => [...paragraph(paper, '  ', title), ...rows(paper, group)])
}

function systemRows({ system, memory, lock, privilege }: Facts): readonly Row[] {
  return [
    ['host name', system.hostname],
    ['system', mapReading(system.os, ({ name }) => name)],
    ['kernel', mapReading(system.kernel, ({ release }) => release)],
    ['machine', mapReading(system.machine, (machine) => machine)],
    ['word, page', both(system.archBits, system.pageSize, (bits, page) => `${bits} bits, ${bytes(page)}`)],
    ['processors', mapReading(system.cpus, grouped)],
    ['memory', both(memory.total, memory.available, (all, free) => `${bytes(all)}, ${bytes(free)} available`)],
    ['up for', mapReading(system.uptime, duration)],
    ['started by', mapReading(system.init, (init) => (init === 'systemd' ? 'systemd' : 'another init than systemd'))],
    ['container', mapReading(system.container, (container) => container ?? 'none, a whole machine')],
    ['boot id', system.bootId],
    ['network namespace', system.netns],
    ['own connections', mapReading(system.clientPorts, ({ first, last }) => `from ports ${first} to ${last}`)],
    ['we are', both(privilege.user, privilege.root, (user, root) => `${user}${root ? '' : ', without root'}`)],
    ['locked', mapReading(lock.holder, lockText)],
    ['sshd port', mapReading(privilege.sshPort, (port) => (port === null ? 'not over SSH' : String(port)))],
  ]
}

function lockText(holder: LockHolder | null): string | readonly Piece[] {
  if (holder === null) return 'by no transaction'
  const { transaction, asker, until, beforeRestart } = holder
  const whose = asker === null ? '' : ` of run ${asker.run} by ${asker.by}`
  const text = `by transaction ${transaction}${whose}, ${until === null ? 'which is not over' : `first aid until ${momentText(until)}`}`
  return [{ tone: 'warn', text: `${text}${beforeRestart ? ', from before a restart' : ''}` }]
}

function trackingRows(conntrack: ConntrackFacts): readonly Row[] {
  const { generation, form, count, max, usage, buckets, hashSize } = conntrack
  if (generation.known && generation.value === 'none') return [['conntrack', 'not there: nothing is tracked']]
  return [
    ['conntrack', both(generation, form, (name, how) => `${name}_conntrack, ${how}`)],
    ['table', both(count, max, (now, limit) => `${grouped(now)} of ${counted(limit, 'entry', 'entries')}`)],
    ['usage', mapReading(usage, percent)],
    ['max', writability(max, conntrack.maxWritable)],
    ['buckets', writability(buckets, conntrack.bucketsWritable)],
    ['hashsize parameter', mapReading(hashSize, grouped)],
    ['size of an entry', mapReading(conntrack.entryBytes, bytes)],
    ['timeouts', mapReading(conntrack.timeouts, timeoutText)],
    ['settings', mapReading(conntrack.settings, settingText)],
    ...hooksRows(conntrack),
    ['settings are under', conntrack.directory],
    [
      'conntrack program',
      mapReading(conntrack.tool, (there) => (there ? 'there' : 'not there: entries cannot be deleted')),
    ],
  ]
}

function lossRows({ counters, kernelLog }: Facts): readonly Row[] {
  const growth = (label: string, reading: Reading<number>): Row => [
    label,
    both(reading, counters.seconds, (packets, seconds) => [
      packets > 0
        ? { tone: 'bad', text: `${counted(packets, 'packet', 'packets')} in ${duration(seconds)}` }
        : `none in ${duration(seconds)}`,
    ]),
  ]
  return [
    growth('dropped', counters.drop),
    growth('evicted early', counters.earlyDrop),
    growth('insert failed', counters.insertFailed),
    growth('chain too long', counters.chainTooLong),
    ['dropped since boot', mapReading(counters.dropTotal, (packets) => counted(packets, 'packet', 'packets'))],
    ['kernel log', mapReading(kernelLog.tableFull, tableFullText)],
  ]
}

function tableFullText({ lines, newestAgeSeconds }: { lines: number; newestAgeSeconds: number | null }): string {
  if (lines === 0) return 'no "table full" in what it still holds'
  const newest = newestAgeSeconds === null ? 'at a time that it does not say' : `${duration(newestAgeSeconds)} ago`
  return `${counted(lines, 'line', 'lines')} with "table full", the newest ${newest}`
}

function entryRows({ entries }: Facts): readonly Row[] {
  const { sample } = entries
  if (!sample.known) return [['entries', sample]]
  const { read, total, unreadable, bySource, byDestinationPort, byProtocol, byState } = sample.value
  const ports = byDestinationPort.map((share) => ({
    ...share,
    key: `${share.port}/${share.protocol}${localText(share.local)}`,
  }))
  return [
    [
      'read',
      `${grouped(read)} of ${counted(total, 'entry', 'entries')}${unreadable > 0 ? `, ${grouped(unreadable)} of them not understood` : ''}`,
    ],
    ['by port', sharesText(ports)],
    ['by source', sharesText(bySource)],
    ['by protocol', sharesText(byProtocol)],
    ['by state', sharesText(byState)],
  ]
}

function localText(local: number | null): string {
  if (local === null || local === 1) return ''
  return local === 0 ? ' (elsewhere)' : ` (${percent(local)} here)`
}

function sharesText(shares: readonly Share[]): string {
  return shares.length === 0 ? 'none' : shares.map(({ key, share }) => `${key} ${percent(share)}`).join(', ')
}

function firewallRows(firewall: FirewallFacts, { listeners, managers, modules }: Facts): readonly Row[] {
  return [
    ['iptables legacy', dumps(firewall.legacy)],
    ['iptables over nft', dumps(firewall.nft)],
    ['nft', mapReading(firewall.nftRuleset, (text) => (text === null ? 'no rules' : 'has a rule set'))],
    [
      'programs',
      mapReading(firewall.tools, ({ legacy, nft, defaultBackend }) =>
        [
          `legacy: ${legacy ?? 'none'}`,
          `nft: ${nft ?? 'none'}`,
          `plain iptables is ${defaultBackend ?? 'not there'}`,
        ].join(', '),
      ),
    ],
    ['raw table', mapReading(firewall.rawTable, (there) => (there ? 'possible' : 'this kernel has none'))],
    [
      'owned by',
      mapReading(managers.present, (all) => all.map(({ name, sign }) => `${name} (${sign})`).join(', ') || 'nobody'),
    ],
    ['modules', mapReading(modules.loaded, moduleText)],
    ['modules can load', mapReading(modules.loadable, (can) => (can ? 'yes' : 'no, the kernel has none'))],
    ['listening', mapReading(listeners.sockets, (all) => [...new Set(all.map(socketText))].join(', ') || 'nothing')],
  ]
}

function dumps({ ip, ip6 }: { ip: RuleDump; ip6: RuleDump }): Reading<string> {
  const one = (family: string, dump: RuleDump) =>
    dump.known
      ? `${family}: ${dump.value === null ? 'none' : counted(ruleCount(dump.value), 'rule', 'rules')}`
      : `${family}: not known: ${dump.why}`
  return known([one('IPv4', ip), one('IPv6', ip6)].join(', '))
}

function ruleCount(dump: string): number {
  return dump.split('\n').filter((line) => /^(?:\[\d+:\d+\] )?-A /.test(line)).length
}

const OF_NETFILTER = /conntrack|^nf_|^nft_|^xt_|^ip6?t|^ip6?_tables|^x_tables|^nfnetlink|^ip_vs|openvswitch/

function moduleText(loaded: readonly Module[]): string {
  const ours = loaded.filter(({ name }) => OF_NETFILTER.test(name))
  return ours.length === 0 ? 'none of netfilter' : ours.map(holdersText).join(', ')
}

function holdersText({ name, holders }: Module): string {
  return holders.length === 0 ? name : `${name} (held by ${holders.join(' ')})`
}

function socketText({ protocol, port }: { protocol: string; port: number }): string {
  return `${port}/${protocol}`
}

function bootRows({ persistence }: Facts): readonly Row[] {
  const { files, ruleFiles, iptablesModules, savesOnStop } = persistence
  return [
    ...(files.known && files.value.length > 0
      ? files.value.map(
          ({ path, lines }): Row => [lines.length === 0 ? 'file' : 'set by', `${path}: ${lines.join('; ')}`],
        )
      : [['settings', mapReading(files, () => 'no file sets conntrack')] satisfies Row]),
    ['rule files', mapReading(ruleFiles, (paths) => paths.join(', ') || 'none')],
    ['saved on stop', mapReading(savesOnStop, (settings) => settings.join(', ') || 'by no service')],
    [
      'IPTABLES_MODULES',
      mapReading(iptablesModules, (named) => (named ? 'names modules that load again' : 'not used')),
    ],
  ]
}

function writability(value: Reading<number>, writable: Reading<boolean>): Reading<string> {
  return both(value, writable, (number, can) => `${grouped(number)}${can ? '' : ', not writable from here'}`)
}

function timeoutText(timeouts: { readonly [key: string]: number }): string {
  return (
    Object.entries(timeouts)
      .map(([key, seconds]) => `${key} ${duration(seconds)}`)
      .join(', ') || 'none'
  )
}

/** A parameter of the module that no file shows; it stands among the settings, and comes from the kernel's command line. */
const ENABLE_HOOKS = 'enable_hooks'

function hooksRows({ settings }: ConntrackFacts): readonly Row[] {
  const told = settings.known ? settings.value[ENABLE_HOOKS] : undefined
  if (told === undefined) return []
  const text =
    told === '0'
      ? 'does not name nf_conntrack.enable_hooks'
      : 'names nf_conntrack.enable_hooks: tracks without any rule'
  return [['boot command line', text]]
}

function settingText(settings: { readonly [key: string]: string }): string {
  return (
    Object.entries(settings)
      .filter(([key]) => key !== ENABLE_HOOKS)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ') || 'none'
  )
}

function both<A, B, C>(one: Reading<A>, other: Reading<B>, join: (a: A, b: B) => C): Reading<C> {
  if (!one.known) return one
  return other.known ? known(join(one.value, other.value)) : other
}
