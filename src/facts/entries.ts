import {
  type EntryFacts,
  type EntrySample,
  MOST_NAMED,
  type PortShare,
  type RemainingTime,
  type Share,
} from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import { canonicalAddress, type Fact, linesOf, notUnderstood, readWith, wholeNumber } from './fact.ts'

const MOST = 500

// The table may be 150 MB. Its order is that of the hash, so the first lines are a fair sample; head reads no further.
const probe = sh`for g in nf ip; do
  f=/proc/net/$g"_conntrack"
  [ -e $f ] || continue
  [ -r $f ] || { echo "unreadable $f"; break; }
  echo "file $f"
  case $g in
  nf) n=/proc/sys/net/netfilter/nf_conntrack_count ;;
  *) n=/proc/sys/net/ipv4/netfilter/ip_conntrack_count ;;
  esac
  head -n ${MOST} $n $f
  break
done
:`

export const entries: Fact<EntryFacts> = {
  name: 'entries',
  probes: [{ name: 'entries', probe, bytes: 'own' }],
  parse(sections) {
    // Another subject's answer: whether a destination is the host itself. Without it the sample is still worth having.
    const addresses = sections('addresses')
    const own = addresses.known && addresses.value.code === 0 ? ownAddresses(addresses.value.output) : null
    const sample = readWith(sections('entries'), ({ code, output }) =>
      code === 0 ? sampleIn(output, own) : unknown(`the probe of the entries ended early, with code ${code}`),
    )
    return { sample }
  },
}

/** One line of the table, of the original direction. */
type Entry = {
  readonly protocol: string
  readonly state: string
  readonly source: string
  readonly destination: string
  readonly port: number | null
  /** Seconds until it runs out; null where the kernel does not say. */
  readonly seconds: number | null
}

/** One address a line; `none` or `cut` where the host could not give them all. */
function ownAddresses(output: string): ReadonlySet<string> | null {
  const lines = linesOf(output, 50_000)
  if (lines.includes('none') || lines.includes('cut')) return null
  return new Set(lines.flatMap((line) => canonicalAddress(line) ?? []))
}

/** `file`, then what head prints of two files: `==> count <==`, the number, `==> table <==`, the lines. */
function sampleIn(output: string, own: ReadonlySet<string> | null): EntryFacts['sample'] {
  const all = linesOf(output, MOST + 20)
  const [, how, path] = /^(file|unreadable) (\/proc\/net\/[ni][fp]_conntrack)$/.exec(all[0] ?? '') ?? []
  if (how === undefined || path === undefined) return unknown('the kernel lists no entries in /proc/net')
  if (how === 'unreadable') return unknown(`only root may read ${path}`)
  const table = all.indexOf(`==> ${path} <==`)
  if (table === -1) return unknown(`${path} could not be read`)
  const total = all
    .slice(1, table)
    .map(wholeNumber)
    .find((value) => value !== undefined)
  if (total === undefined) return notUnderstood('the number of entries', all.slice(1, table).join(' '))
  const lines = all.slice(table + 1).filter((line) => line.trim() !== '')
  return sampleOf(lines, total, own)
}

function sampleOf(lines: readonly string[], total: number, own: ReadonlySet<string> | null): Reading<EntrySample> {
  const seen = lines.flatMap((line) => entryIn(line) ?? [])
  if (seen.length === 0 && lines.length > 0) return notUnderstood('the list of entries', lines[0] ?? '')
  return known({
    read: seen.length,
    total,
    unreadable: lines.length - seen.length,
    bySource: shares(seen, ({ source }) => source),
    byDestinationPort: portShares(seen, own),
    byProtocol: shares(seen, ({ protocol }) => protocol),
    byState: shares(seen, ({ state }) => state),
    remaining: remainingIn(seen),
  })
}

/**
 * `[ipv4 2] tcp 6 431999 ESTABLISHED src=… dst=… sport=… dport=… [UNREPLIED] src=… …`. The family is absent in
 * /proc/net/ip_conntrack, the seconds are where the flow is offloaded, and GRE puts `timeout=600, stream_timeout=18000` there.
 */
function entryIn(line: string): Entry | undefined {
  const words = line.trim().split(/\s+/, 60)
  const start = words.findIndex((word) => word.startsWith('src='))
  const head = words.slice(0, start)
  if (/^ipv[46]$/.test(head[0] ?? '')) head.splice(0, 2)
  const [name = '', protocolNumber = '', ...rest] = head
  if (start < 2 || !/^[a-z][\w-]{0,19}$/.test(name) || !/^\d{1,3}$/.test(protocolNumber)) return undefined
  const value = (key: string) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1)
  const source = canonicalAddress(value('src') ?? '')
  const destination = canonicalAddress(value('dst') ?? '')
  if (source === undefined || destination === undefined) return undefined
  return {
    protocol: name === 'unknown' ? `protocol ${protocolNumber}` : name,
    state: rest.find((word) => /^[A-Z][A-Z_0-9]{1,19}$/.test(word)) ?? flagOf(words),
    source,
    destination,
    port: portIn(value('dport')),
    // The kernel prints a long: one that ran out and is not collected yet may read as -1.
    seconds: /^-\d{1,9}$/.test(rest[0] ?? '') ? 0 : (wholeNumber(rest[0]) ?? null),
  }
}

/** Protocols without states have the kernel's marks in their place. */
function flagOf(words: readonly string[]): string {
  const flag = ['[UNREPLIED]', '[HW_OFFLOAD]', '[OFFLOAD]', '[ASSURED]'].find((each) => words.includes(each))
  return flag === undefined ? 'REPLIED' : flag.slice(1, -1)
}

function portIn(text: string | undefined): number | null {
  const port = wholeNumber(text)
  return port !== undefined && port < 65_536 ? port : null
}

function shares(seen: readonly Entry[], keyOf: (entry: Entry) => string): readonly Share[] {
  const groups = new Map<string, number>()
  for (const entry of seen) groups.set(keyOf(entry), (groups.get(keyOf(entry)) ?? 0) + 1)
  return sharesOf(groups, seen.length)
}

function sharesOf(groups: ReadonlyMap<string, number>, of: number): readonly Share[] {
  return largest([...groups]).map(([key, entries]) => ({ key, entries, share: entries / of }))
}

function portShares(seen: readonly Entry[], own: ReadonlySet<string> | null): readonly PortShare[] {
  type Group = { protocol: string; port: number; local: number; entries: number; states: Map<string, number> }
  const groups = new Map<string, Group>()
  for (const { protocol, port, destination, state } of seen) {
    if (port === null) continue
    const key = `${protocol}/${port}`
    const group = groups.get(key) ?? { protocol, port, local: 0, entries: 0, states: new Map() }
    groups.set(key, group)
    group.entries += 1
    group.states.set(state, (group.states.get(state) ?? 0) + 1)
    if (own?.has(destination)) group.local += 1
  }
  return largest([...groups].map(([key, group]) => [key, group.entries, group] as const)).map(
    ([key, entries, group]) => ({
      key,
      entries,
      share: entries / seen.length,
      protocol: group.protocol,
      port: group.port,
      local: own === null ? null : group.local / entries,
      states: sharesOf(group.states, seen.length),
    }),
  )
}

function remainingIn(seen: readonly Entry[]): RemainingTime | null {
  const told = seen.flatMap(({ seconds }) => (seconds === null ? [] : [seconds])).sort((a, b) => a - b)
  const longest = told.at(-1)
  if (longest === undefined) return null
  const within = (part: number) => told[Math.ceil(told.length * part) - 1] ?? longest
  return { told: told.length, half: within(0.5), ninety: within(0.9), longest }
}

/** Equal numbers stand in the order of their keys, so that the same table always reads the same. */
function largest<T extends readonly [string, number, ...unknown[]]>(groups: readonly T[]): readonly T[] {
  return [...groups].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MOST_NAMED)
}
