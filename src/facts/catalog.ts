import type { Facts } from '../model/facts.ts'
import { unknown } from '../model/reading.ts'
import { bundle, unbundle } from '../shell/bundle.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import { conntrack } from './conntrack.ts'
import { counters, gap } from './counters.ts'
import { entries } from './entries.ts'
import type { Fact } from './fact.ts'
import { firewall } from './firewall.ts'
import { history } from './history.ts'
import { kernelLog } from './kernel-log.ts'
import { listeners } from './listeners.ts'
import { lock } from './lock.ts'
import { managers } from './managers.ts'
import { memory } from './memory.ts'
import { modules } from './modules.ts'
import { persistence } from './persistence.ts'
import { privilege } from './privilege.ts'
import { system } from './system.ts'

/** Every subject, in the order the host is asked. */
export const FACTS = [
  counters,
  conntrack,
  memory,
  system,
  modules,
  entries,
  kernelLog,
  listeners,
  firewall,
  managers,
  persistence,
  history,
  lock,
  privilege,
] as const satisfies readonly Fact<unknown>[]

const LIMITS = { bytes: 262_144 }

const setups = FACTS.flatMap((fact: Fact<unknown>) => fact.setup ?? [])
const probes = FACTS.flatMap((fact: Fact<unknown>) => fact.probes)

/**
 * Everything that is asked of a host, as one POSIX script that changes nothing there. `$1` is a nonce of letters and digits,
 * fresh each time; `$2` the seconds between the two readings of the counters, 2 if empty. Wants the environment that
 * `Session.run` gives: PATH, LC_ALL=C and `$ssh_connection`. As root it reads all; as another user what needs root is unknown.
 */
export const factsScript: Script = lines(
  // A host in trouble has better things to do.
  sh`{ if command -v renice >/dev/null; then renice -n 10 -p $$; fi >/dev/null
uid=$(id -u)
kernel=$(uname -rm)
split() { release=$1 machine=$2; }
split $kernel
} </dev/null 2>/dev/null`,
  bundle(counters.probes.slice(0, 1), LIMITS),
  sh`{`,
  ...setups,
  sh`} </dev/null 2>/dev/null`,
  bundle(
    probes.filter((probe) => !counters.probes.includes(probe)),
    LIMITS,
  ),
  gap,
  bundle(counters.probes.slice(1), LIMITS),
)

/** Reads what `factsScript` printed. Total: whatever is missing or makes no sense is an unknown reading with its cause. */
export function parseFacts(output: string, nonce: string): Facts {
  const answers = unbundle(
    output,
    nonce,
    probes.map(({ name }) => name),
  )
  const sections = (name: string) => answers.get(name) ?? unknown(`nothing asks for ${name}`)
  return released({
    system: system.parse(sections),
    memory: memory.parse(sections),
    modules: modules.parse(sections),
    conntrack: conntrack.parse(sections),
    counters: counters.parse(sections),
    kernelLog: kernelLog.parse(sections),
    entries: entries.parse(sections),
    listeners: listeners.parse(sections),
    firewall: firewall.parse(sections),
    managers: managers.parse(sections),
    persistence: persistence.parse(sections),
    history: history.parse(sections),
    lock: lock.parse(sections),
    privilege: privilege.parse(sections),
  })
}

/**
 * The same without the answer that it was read from: a part of a string keeps the whole in memory, which for ten thousand hosts
 * is two thirds of all that they take. Facts are what JSON can hold.
 */
function released(facts: Facts): Facts {
  return JSON.parse(JSON.stringify(facts)) as Facts
}
