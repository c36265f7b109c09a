import type { ChainRef } from '../firewall/depends.ts'
import type { Flow } from '../firewall/flow-entries.ts'
import { dropsMidStream } from '../firewall/mid-stream.ts'
import { type NotrackPatch, notrackPatch } from '../firewall/notrack.ts'
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
  const asked = wanted ?? busyServices(facts)
  const not = (safe: Reading<boolean>, why: string): NotrackAnalysis => ({
    safe,
    why,
    ports: portsOf(asked),
    edits: [],
    flows: [],
    addresses: [],
    dependsOn: [],
    notes: [],
    rollbackNotes: [],
    services: asked,
  })
  const refused = (why: string) => not(known(false), why)
  const doubtful = (why: string) => not(unknown(why), why)

  if (asked.length === 0) return refused(nothingBusy(facts))
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
  const passing = asked.filter(({ forwarded }) => forwarded)
  const forwards = families.filter((family) => forwardsIn(facts, family))
  if (passing.length > 0 && forwards.length === 0) {
    const unread = families.map((family) => facts.system.forwarding[family]).find((each) => !each.known)
    if (unread?.known === false) return doubtful(`whether the host forwards is not known: ${unread.why}`)
    return refused(`this host does not forward, so no flow to ${portNames(passing)} goes through it`)
  }
  const { loaded } = facts.modules
  if (!loaded.known && facts.modules.loadable.known && facts.modules.loadable.value) {
    return doubtful(`the loaded modules are not known: ${loaded.why}`)
  }
  const patchFor = (services: readonly Service[]) =>
    notrackPatch(live.value, services, {
      families,
      forwards,
      backend,
      helperModules: loaded.known ? loaded.value.map(({ name }) => name) : [],
      oldTarget: lacksCtTarget(facts),
      addresses: addresses.value,
    })
  // What the operator names is wanted as a whole; of what is busy all that can be left out is.
  const { patch, services, left } =
    wanted === null ? mostOf(asked, patchFor) : { ...wholeOf(asked, patchFor), left: [] }
  if (!patch.safe) return refused(reasonOf(patch))
  const ports = portsOf(services)
  const open = { services, families, forwards }
  return {
    safe: known(true),
    why: '',
    ports,
    edits: patch.edits,
    flows: flowsOf(ports, addresses.value),
    addresses: addresses.value.length > MOST_ADDRESSES ? [] : addresses.value,
    dependsOn: patch.dependsOn,
    services,
    notes: [
      ...left.map((why) => `left tracked: ${why}`),
      ...patch.notes,
      ...forwardNotes(facts, open),
      ...entriesNotes(facts, services),
      ...addressNotes(addresses.value, services),
    ],
    rollbackNotes: [...standingNotes(live.value), ...rollbackNotes(facts, live.value, open)],
  }
}

type Judged = { readonly patch: NotrackPatch; readonly services: readonly Service[] }

function wholeOf(services: readonly Service[], patchFor: (services: readonly Service[]) => NotrackPatch): Judged {
  return { patch: patchFor(services), services }
}

/** As many of the services, busiest first, as a patch can be had for; `left`: why not the others. */
function mostOf(
  services: readonly Service[],
  patchFor: (services: readonly Service[]) => NotrackPatch,
): Judged & { readonly left: readonly string[] } {
  let best = wholeOf(services, patchFor)
  if (best.patch.safe || services.length === 1) return { ...best, left: [] }
  const left: string[] = []
  for (const service of services) {
    const next = wholeOf([...(best.patch.safe ? best.services : []), service], patchFor)
    if (next.patch.safe) best = next
    else left.push(reasonOf(next.patch))
  }
  return { ...best, left }
}

function reasonOf(patch: NotrackPatch & { readonly safe: false }): string {
  return patch.rule === null ? patch.why : `${patch.why}: ${patch.rule}`
}

/** Of the host itself, by protocol: the entries of these are found by its addresses. */
function portsOf(services: readonly Service[]): NotrackAnalysis['ports'] {
  const of = (protocol: Service['protocol']) =>
    services.flatMap((each) => (each.protocol === protocol && !each.forwarded ? [each.port] : []))
  return { tcp: of('tcp'), udp: of('udp') }
}

function forwardsIn({ system }: Facts, family: Family): boolean {
  const reading = system.forwarding[family]
  return reading.known && reading.value
}

function portNames(services: readonly Service[]): string {
  return services.map(({ protocol, port }) => `${protocol} port ${port} of other hosts`).join(', ')
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

function flowsOf(ports: NotrackAnalysis['ports'], addresses: readonly string[]): readonly Flow[] {
  if (addresses.length > MOST_ADDRESSES) return []
  return (['tcp', 'udp'] as const).flatMap((protocol) => {
    const mine = ports[protocol]
    return mine.length === 0 ? [] : [{ protocol, ports: mine, addresses }]
  })
}

function standingNotes(live: readonly LiveRules[]): readonly string[] {
  const stands = live.some(({ rules }) => printRules(rules).includes('ctfleet:notrack:'))
  return stands
    ? ['rules of an earlier apply stand here already: taking back this one alone leaves those in force, accepts or not']
    : []
}

function addressNotes(addresses: readonly string[], services: readonly Service[]): readonly string[] {
  if (addresses.length <= MOST_ADDRESSES || !services.some(isLocal)) return []
  return [`the host has ${addresses.length} addresses: the entries that are there are left to time out, not deleted`]
}

// Without the conntrack program entries can only run out.
function entriesNotes({ conntrack }: Facts, services: readonly Service[]): readonly string[] {
  if ((conntrack.tool.known && conntrack.tool.value) || !services.some(isLocal)) return []
  return [
    `no conntrack program on the host: entries that are there already stay until they time out${longest(conntrack)}`,
  ]
}

// No filter of the conntrack program leaves out the host's own addresses: it would delete what stays tracked as well.
function forwardNotes({ conntrack, system }: Facts, { services, families, forwards }: Open): readonly string[] {
  const passing = services.filter(({ forwarded }) => forwarded)
  if (passing.length === 0) return []
  const other = families.filter((family) => !forwards.includes(family))
  return [
    `${portNames(passing)}: entries that are there already are not deleted, and run out by themselves${longest(conntrack)}`,
    ...other.map((family) => {
      const reading = system.forwarding[family]
      const why = reading.known
        ? 'the host does not forward it'
        : `whether the host forwards it is not known: ${reading.why}`
      return `${family === 'ip' ? 'IPv4' : 'IPv6'} to ${portNames(passing)} is left as it is: ${why}`
    }),
  ]
}

function longest({ timeouts }: Facts['conntrack']): string {
  const timeout = timeouts.known ? timeouts.value.tcp_timeout_established : undefined
  return timeout === undefined ? '' : `, up to ${Math.ceil(timeout / 3600)} h for established TCP connections`
}

function isLocal({ forwarded }: Service): boolean {
  return !forwarded
}

type Open = {
  readonly services: readonly Service[]
  readonly families: readonly Family[]
  /** Of the families, those that the host forwards. */
  readonly forwards: readonly Family[]
}

// After a rollback live TCP sessions are met in the middle: picked up as NEW without SYN, where tcp_loose and the rules let them.
function rollbackNotes(
  { conntrack }: Facts,
  live: readonly LiveRules[],
  { services, families, forwards }: Open,
): readonly string[] {
  const tcp = services.filter(({ protocol }) => protocol === 'tcp')
  if (tcp.length === 0) return []
  const { settings } = conntrack
  const loose = settings.known ? settings.value.tcp_loose : undefined
  const seen = loose === '0' ? 'tcp_loose is 0' : 'tcp_loose is not known'
  const strict =
    loose === '1' ? [] : [`${seen}: TCP sessions that are open during a later rollback will not survive it`]
  const dropping = tcp.flatMap((service) =>
    (service.forwarded ? forwards : families).flatMap((family) => {
      const rule = dropsMidStream(live, service, { family, budget: MID_STREAM_BUDGET })
      if (rule === null) return []
      const name = service.forwarded ? portNames([service]) : `tcp port ${service.port}`
      return [`${name}: sessions that are open during a later rollback may not survive it: ${rule}`]
    }),
  )
  const forwarded = tcp.filter((service) => service.forwarded)
  const old = 'TCP sessions that are open now and still open at a rollback may not survive it'
  const stale = [
    ...(forwarded.length > 0 ? [`${portNames(forwarded)}: ${old}, since their entries are not deleted`] : []),
    ...((conntrack.tool.known && conntrack.tool.value) || !tcp.some(isLocal)
      ? []
      : [`no conntrack program on the host: ${old}`]),
  ]
  return [...stale, ...strict, ...new Set(dropping)]
}
