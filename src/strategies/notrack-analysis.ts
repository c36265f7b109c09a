import type { ChainRef } from '../firewall/depends.ts'
import type { Flow } from '../firewall/flow-entries.ts'
import { dropsMidStream } from '../firewall/mid-stream.ts'
import { notrackPatch } from '../firewall/notrack.ts'
import { printRules } from '../firewall/print.ts'
import type { Family, LiveRules } from '../firewall/rules.ts'
import type { Facts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Analysis } from '../playbook/names.ts'
import { BUSY_SHARE, busyServices, type Service } from './busy-ports.ts'
import { managerAmong } from './live-rules.ts'

export type { Service }

export type NotrackAnalysis = Analysis['notrack'] & {
  readonly dependsOn: readonly ChainRef[]
  readonly notes: readonly string[]
  readonly rollbackNotes: readonly string[]
  readonly services: readonly Service[]
}

const MID_STREAM_BUDGET = 300_000
/** Deleting entries takes one command a port and address. */
const MOST_ADDRESSES = 32

export function analyseNotrack(
  facts: Facts,
  live: Reading<readonly LiveRules[]>,
  wanted: readonly Service[] | null,
): NotrackAnalysis {
  const services = wanted ?? busyServices(facts)
  const ports = {
    tcp: services.flatMap(({ protocol, port }) => (protocol === 'tcp' ? [port] : [])),
    udp: services.flatMap(({ protocol, port }) => (protocol === 'udp' ? [port] : [])),
  }
  const not = (safe: Reading<boolean>, why: string): NotrackAnalysis => ({
    safe,
    why,
    ports,
    edits: [],
    flows: [],
    addresses: [],
    dependsOn: [],
    notes: [],
    rollbackNotes: [],
    services,
  })
  const refused = (why: string) => not(known(false), why)
  const doubtful = (why: string) => not(unknown(why), why)

  if (services.length === 0) return refused(nothingBusy(facts))
  if (!live.known) return doubtful(live.why)
  const manager = managerAmong(facts, ['kubernetes', 'lvs', 'openvswitch'])
  if (!manager.known) return doubtful(manager.why)
  if (manager.value !== null) return refused(`${manager.value}, which needs its flows tracked`)
  const { tools } = facts.firewall
  if (!tools.known) return doubtful(`which iptables the host has is not known: ${tools.why}`)
  const backend = tools.value.defaultBackend ?? (tools.value.native ? 'native' : null)
  if (backend === null) return refused('the host has neither an iptables nor an nft program')
  const { addresses } = facts.listeners
  if (!addresses.known) return doubtful(`the host's own addresses are not known: ${addresses.why}`)

  const families: Family[] = ['ip', ...(addresses.value.some((each) => each.includes(':')) ? (['ip6'] as const) : [])]
  const { loaded } = facts.modules
  if (!loaded.known && facts.modules.loadable.known && facts.modules.loadable.value) {
    return doubtful(`the loaded modules are not known: ${loaded.why}`)
  }
  const patch = notrackPatch(live.value, services, {
    families,
    backend,
    helperModules: loaded.known ? loaded.value.map(({ name }) => name) : [],
    oldTarget: lacksCtTarget(facts),
  })
  if (!patch.safe) return refused(patch.rule === null ? patch.why : `${patch.why}: ${patch.rule}`)
  return {
    safe: known(true),
    why: '',
    ports,
    edits: patch.edits,
    flows: flowsOf(services, addresses.value),
    addresses: addresses.value.length > MOST_ADDRESSES ? [] : addresses.value,
    dependsOn: patch.dependsOn,
    services,
    notes: [...patch.notes, ...entriesNotes(facts), ...addressNotes(addresses.value)],
    rollbackNotes: [...standingNotes(live.value), ...rollbackNotes(facts, live.value, { services, families })],
  }
}

/** The CT target came with 2.6.34, in place of NOTRACK. */
function lacksCtTarget({ system }: Facts): boolean {
  if (!system.kernel.known || system.kernel.value.major > 2) return false
  const [, , patch = '0'] = system.kernel.value.release.split(/[.-]/)
  return Number.parseInt(patch, 10) < 34
}

function nothingBusy(facts: Facts): string {
  const { sample } = facts.entries
  const { sockets } = facts.listeners
  if (!sample.known) return `who fills the table is not known: ${sample.why}`
  if (!sockets.known) return `who listens is not known: ${sockets.why}`
  if (sample.value.read === 0) return 'the table is empty: no port fills it'
  const percent = Math.round(BUSY_SHARE * 100)
  return `no listening port of this host but ssh fills ${percent} % of the table; name ports with --ports to choose them yourself`
}

function flowsOf(ports: readonly Service[], addresses: readonly string[]): readonly Flow[] {
  if (addresses.length > MOST_ADDRESSES) return []
  return (['tcp', 'udp'] as const).flatMap((protocol) => {
    const mine = ports.filter((each) => each.protocol === protocol).map(({ port }) => port)
    return mine.length === 0 ? [] : [{ protocol, ports: mine, addresses }]
  })
}

function standingNotes(live: readonly LiveRules[]): readonly string[] {
  const stands = live.some(({ rules }) => printRules(rules).includes('ctfleet:notrack:'))
  return stands
    ? ['rules of an earlier apply stand here already: taking back this one alone leaves those in force, accepts or not']
    : []
}

function addressNotes(addresses: readonly string[]): readonly string[] {
  if (addresses.length <= MOST_ADDRESSES) return []
  return [`the host has ${addresses.length} addresses: the entries that are there are left to time out, not deleted`]
}

// Without the conntrack program entries can only run out.
function entriesNotes({ conntrack }: Facts): readonly string[] {
  if (conntrack.tool.known && conntrack.tool.value) return []
  const timeout = conntrack.timeouts.known ? conntrack.timeouts.value.tcp_timeout_established : undefined
  const longest = timeout === undefined ? '' : `, up to ${Math.ceil(timeout / 3600)} h for established TCP connections`
  return [`no conntrack program on the host: entries that are there already stay until they time out${longest}`]
}

// After a rollback live TCP sessions are met in the middle: picked up as NEW without SYN, where tcp_loose and the rules let them.
function rollbackNotes(
  { conntrack }: Facts,
  live: readonly LiveRules[],
  { services, families }: { readonly services: readonly Service[]; readonly families: readonly Family[] },
): readonly string[] {
  const tcp = services.filter(({ protocol }) => protocol === 'tcp')
  if (tcp.length === 0) return []
  const { settings } = conntrack
  const loose = settings.known ? settings.value.tcp_loose : undefined
  const seen = loose === '0' ? 'tcp_loose is 0' : 'tcp_loose is not known'
  const strict =
    loose === '1' ? [] : [`${seen}: TCP sessions that are open during a later rollback will not survive it`]
  const dropping = tcp.flatMap((service) =>
    families.flatMap((family) => {
      const rule = dropsMidStream(live, service, { family, budget: MID_STREAM_BUDGET })
      if (rule === null) return []
      return [`tcp port ${service.port}: sessions that are open during a later rollback may not survive it: ${rule}`]
    }),
  )
  const stale =
    conntrack.tool.known && conntrack.tool.value
      ? []
      : [
          'no conntrack program on the host: TCP sessions that are open now and still open at a rollback may not survive it',
        ]
  return [...stale, ...strict, ...new Set(dropping)]
}
