import { bucketsOf } from '../model/buckets.ts'
import { type ConntrackFacts, type Facts, MOST_NAMED } from '../model/facts.ts'
import { isJsonMap, type Json } from '../model/json.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'

/**
 * What a step's probe would have printed on the host, as far as facts tell it: then the step kind itself reads it, and says
 * what changes. Unknown, with the cause, where only the host could answer. `standing`: the keys of ctfleet's rules that are there.
 */
export function asProbed(
  { kind, want }: { readonly kind: string; readonly want: Json },
  facts: Facts,
  standing: Reading<ReadonlySet<string>>,
): Reading<string> {
  if (kind === 'firewall') return rulesAsProbed(fieldsOf(want), standing)
  const answer = ANSWERS[kind]
  return answer === undefined
    ? unknown(`what a step of the kind ${kind} would find is not among the facts`)
    : answer(fieldsOf(want), facts)
}

type Fields = { readonly [field: string]: Json | undefined }

const ANSWERS: { readonly [kind: string]: (want: Fields, facts: Facts) => Reading<string> } = {
  sysctl: settingAsProbed,
  'hash-size': bucketsAsProbed,
  'kernel-modules': modulesAsProbed,
  'flush-entries': entriesAsProbed,
  file: () => unknown('what is in the file now is not among the facts'),
  'rules-file': fileRulesAsProbed,
}

function settingAsProbed({ key }: Fields, { conntrack }: Facts): Reading<string> {
  const name = /^net\.(?:ipv4\.)?(?:netfilter\.)?(?:nf|ip)_conntrack_(\w+)$/.exec(textOf(key))?.[1]
  if (name === undefined) return unknown(`${textOf(key)} is not among the facts`)
  const value: Reading<number | string> =
    name === 'max' ? conntrack.max : (timeoutOf(conntrack, name) ?? settingOf(conntrack, name))
  return mapReading(value, (now) => `/proc/sys/${textOf(key).replaceAll('.', '/')} ${now}\n`)
}

function timeoutOf({ timeouts }: ConntrackFacts, name: string): Reading<number> | null {
  const value = timeouts.known ? own(timeouts.value, name) : undefined
  return value === undefined ? null : known(value)
}

function settingOf({ settings }: ConntrackFacts, name: string): Reading<string> {
  if (!settings.known) return settings
  const value = own(settings.value, name)
  return value === undefined ? unknown(`this kernel has no ${name} now`) : known(value)
}

function bucketsAsProbed(_want: Fields, { conntrack, system }: Facts): Reading<string> {
  const { bucketsWritable } = conntrack
  const buckets = bucketsOf(conntrack)
  if (!buckets.known) return buckets
  if (!bucketsWritable.known) return bucketsWritable
  const path = bucketsWritable.value ? 'path /proc/sys/net/netfilter/nf_conntrack_buckets\n' : ''
  if (!system.machine.known) return system.machine
  if (!system.pageSize.known) return system.pageSize
  const page = `page KernelPageSize: ${system.pageSize.value / 1024} kB\n`
  return known(`buckets ${buckets.value}\n${path}${page}machine ${system.machine.value}\n`)
}

function modulesAsProbed({ unload }: Fields, { modules, conntrack }: Facts): Reading<string> {
  if (!modules.loaded.known) return modules.loaded
  const wanted = Array.isArray(unload) ? unload.map(textOf) : []
  const loaded = new Set(modules.loaded.value.map(({ name }) => name))
  const going = wanted.filter((name) => loaded.has(name))
  const takesTable = going.some((name) => /^(?:nf|ip)_conntrack$/.test(name))
  const lost = takesTable ? settingsLost(conntrack, going) : known([])
  return mapReading(lost, (rows) => [...going.map((name) => `module ${name}`), ...rows, 'end', ''].join('\n'))
}

/** Every setting goes with the module; those of fragments belong to the defrag modules. */
function settingsLost(
  { directory, settings, timeouts, max, hashSize }: ConntrackFacts,
  going: readonly string[],
): Reading<readonly string[]> {
  if (!directory.known) return directory
  if (!settings.known) return settings
  if (!timeouts.known) return timeouts
  const prefix = `${directory.value}/${directory.value.includes('ipv4') ? 'ip' : 'nf'}_conntrack_`
  const all = {
    ...settings.value,
    ...timeouts.value,
    ...(max.known ? { max: max.value } : {}),
  }
  const kept = Object.entries(all).filter(([key]) => going.includes('nf_defrag_ipv6') || !key.includes('frag6_'))
  return known([
    ...(hashSize.known ? [`hashsize ${hashSize.value}`] : []),
    ...kept.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${prefix}${key}:${value}`),
  ])
}

// The edits were worked out from these very rules: what is to go is there, and of what is to come what an earlier apply left.
function rulesAsProbed({ edits }: Fields, standing: Reading<ReadonlySet<string>>): Reading<string> {
  return mapReading(standing, (keys) =>
    listOf(edits)
      .map(fieldsOf)
      .map(({ key, action }) => `${textOf(key)} ${action === 'remove' || keys.has(textOf(key)) ? 'yes' : 'no'}\n`)
      .join(''),
  )
}

// So were the lines of a file: what stands in it already is not among those that come.
function fileRulesAsProbed({ files }: Fields): Reading<string> {
  const { rules, hunks } = fieldsOf(Array.isArray(files) ? (files[0] ?? null) : null)
  const coming = new Set(listOf(hunks).flatMap((hunk) => listOf(fieldsOf(hunk).add).map((line) => textOf(line).trim())))
  const rows = listOf(rules).map((rule) => {
    const { key, action, line } = fieldsOf(rule)
    return `${textOf(key)} ${action === 'remove' || !coming.has(textOf(line)) ? 'yes' : 'no'}\n`
  })
  return known(`rules\n${rows.join('')}`)
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function entriesAsProbed({ all, protocol, ports }: Fields, { entries: { sample }, conntrack }: Facts): Reading<string> {
  if (all === true) return mapReading(conntrack.count, (count) => (count > 0 ? 'some\n' : 'none\n'))
  if (!sample.known) return sample
  const { byDestinationPort, read, total } = sample.value
  const wanted = Array.isArray(ports) ? ports : []
  const mine = byDestinationPort.filter((each) => each.protocol === protocol && wanted.includes(each.port))
  if (mine.some(({ local }) => local !== null && local > 0)) return known('some\n')
  const namesAll = read >= total && byDestinationPort.length < MOST_NAMED && mine.every(({ local }) => local === 0)
  return namesAll ? known('none\n') : unknown('the sample of entries names none of them')
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function fieldsOf(value: Json): Fields {
  return isJsonMap(value) ? value : {}
}

function own<T>(values: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined
}
