import type { ChainRef } from '../firewall/depends.ts'
import { OWN_TABLE } from '../firewall/edits.ts'
import type { Flow } from '../firewall/flow-entries.ts'
import { dropsMidStreamOnce, notrackPatchOnce } from '../firewall/judged-once.ts'
import type { NotrackPatch, notrackPatch } from '../firewall/notrack.ts'
import type { Family, LiveRules } from '../firewall/rules.ts'
import { standingKeys, standingServices } from '../firewall/standing.ts'
import type { Facts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Analysis } from '../playbook/names.ts'
import { BUSY_SHARE, busyServices, portDecisions, type Service } from './busy-ports.ts'
import { managerAmong } from './live-rules.ts'

export type { Service }

export type NotrackAnalysis = Analysis['notrack'] & {
  readonly dependsOn: readonly ChainRef[]
  readonly notes: readonly string[]
  readonly rollbackNotes: readonly string[]
  /** Why sessions of these services may break when they are tracked again, a clause each. */
  readonly sessionLoss: readonly string[]
  readonly services: readonly Service[]
  /** What rules of ours leave untracked already. */
  readonly standing: readonly Service[]
  /** Accepts that these need and that are gone, as the plan would write them; empty where all stand. */
  readonly missing: readonly string[]
  /** What the patch was asked for with, so that it can be asked for other rules; null where it was not. */
  readonly host: PatchedHost | null
}

export type PatchedHost = Parameters<typeof notrackPatch>[2]

const MID_STREAM_BUDGET = 300_000
/** Deleting entries takes one command a port and address. */
const MOST_ADDRESSES = 32

export function analyseNotrack(
  facts: Facts,
  live: Reading<readonly LiveRules[]>,
  wanted: readonly Service[] | null,
): NotrackAnalysis {
  const standing = live.known ? standingServices(live.value) : []
  const busy = busyServices(facts)
  const asked = wanted ?? union(standing, busy)
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
    sessionLoss: [],
    services: asked,
    standing,
    missing: [],
    host: null,
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
  const [taken] = (wanted ?? []).filter((each) => mayBeClients(facts, each))
  if (taken !== undefined) {
    const why = `nothing listens on ${taken.protocol} port ${taken.port} here, and the host may take it for connections of its own (net.ipv4.ip_local_port_range)`
    const unread = [facts.listeners.sockets, facts.system.clientPorts].find((reading) => !reading.known)
    return unread === undefined || unread.known ? refused(why) : doubtful(unread.why)
  }
  const host: PatchedHost = {
    families,
    forwards,
    backend,
    helperModules: loaded.known ? loaded.value.map(({ name }) => name) : [],
    oldTarget: lacksCtTarget(facts),
    addresses: addresses.value,
  }
  const patchFor = (services: readonly Service[]) => notrackPatchOnce(live.value, services, host)
  const missing = standing.length === 0 ? [] : missingOf(live.value, patchFor(standing))
  if (wanted === null && missing.length === 0 && busy.every((each) => includes(standing, each))) {
    return {
      ...refused(`${serviceNames(standing)} is left out of tracking already, and ${nothingBusy(facts)}`),
      missing,
    }
  }
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
    standing,
    missing,
    host,
    notes: [
      ...left.map((why) => `left tracked: ${why}`),
      ...unheardNotes(facts, wanted ?? []),
      ...patch.notes,
      ...forwardNotes(facts, open),
      ...entriesNotes(facts, services),
      ...addressNotes(addresses.value, services),
    ],
    rollbackNotes: standingNotes(standing),
    sessionLoss: sessionLoss(facts, live.value, open),
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
  const decisions = portDecisions(facts, null)
  const [busiest] = decisions.known ? decisions.value : []
  const first = busiest === undefined ? '' : ` (the busiest, ${busiest.port}/${busiest.protocol}: ${busiest.why})`
  return `no port that could be left out fills ${percent} % of the table${first}; name ports with --ports to choose them yourself`
}

function flowsOf(ports: NotrackAnalysis['ports'], addresses: readonly string[]): readonly Flow[] {
  if (addresses.length > MOST_ADDRESSES) return []
  return (['tcp', 'udp'] as const).flatMap((protocol) => {
    const mine = ports[protocol]
    return mine.length === 0 ? [] : [{ protocol, ports: mine, addresses }]
  })
}

function standingNotes(standing: readonly Service[]): readonly string[] {
  if (standing.length === 0) return []
  return [
    `an earlier apply leaves ${serviceNames(standing)} untracked already: taking back this one alone takes their accepts and leaves ` +
      'that in force, which may cut them off; take the earlier run back as well (ctfleet runs)',
  ]
}

/** Of a TCP port that listens no connection of the host's own begins; of another one in the clients' range any may. */
function mayBeClients(
  { listeners: { sockets }, system: { clientPorts } }: Facts,
  { protocol, port, forwarded }: Service,
): boolean {
  const { first, last } = clientPorts.known ? clientPorts.value : UNPRIVILEGED
  if (protocol !== 'tcp' || port < first || port > last || forwarded) return false
  return !sockets.known || !sockets.value.some((each) => each.protocol === 'tcp' && each.port === port)
}

/** What clients may take at most unless somebody lets them have privileged ports; busy hosts are given all of it. */
const UNPRIVILEGED = { first: 1024, last: 65_535 }

/** A rule for a port where nothing listens frees nothing: a slip, more often than not. */
function unheardNotes({ listeners }: Facts, wanted: readonly Service[]): readonly string[] {
  const { sockets } = listeners
  if (!sockets.known) return []
  return wanted.flatMap(({ protocol, port, forwarded }) => {
    const heard = forwarded || sockets.value.some((each) => each.protocol === protocol && each.port === port)
    return heard ? [] : [`nothing listens on ${protocol} port ${port} here: leaving it out frees next to nothing`]
  })
}

/** Accepts of ours that should be there and are not; rules before tracking that are gone leave nothing in the dark. */
function missingOf(live: readonly LiveRules[], patch: NotrackPatch): readonly string[] {
  if (!patch.safe) return []
  const keys = standingKeys(live)
  return patch.edits.flatMap(({ table, key, spec }) =>
    table === 'raw' || table === OWN_TABLE || keys.has(key) ? [] : [spec],
  )
}

function union(some: readonly Service[], more: readonly Service[]): readonly Service[] {
  return [...some, ...more.filter((each) => !includes(some, each))]
}

function includes(services: readonly Service[], { protocol, port, forwarded }: Service): boolean {
  return services.some(
    (each) => each.protocol === protocol && each.port === port && (each.forwarded ?? false) === (forwarded ?? false),
  )
}

function serviceNames(services: readonly Service[]): string {
  return services.map(({ protocol, port, forwarded }) => `${port}/${protocol}${forwarded ? '@forward' : ''}`).join(', ')
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
function sessionLoss(
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
      const rule = dropsMidStreamOnce(live, service, { family, budget: MID_STREAM_BUDGET })
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
