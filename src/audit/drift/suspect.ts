import type { Suspect } from '../../model/audit.ts'
import { ACTORS, type Actor } from './actors.ts'
import type { Started, Traces, Written } from './traces.ts'

/** Surest first, each one once, with all that speaks for it. */
export function surestFirst(suspects: readonly Suspect[]): readonly Suspect[] {
  const merged = new Map<string, Suspect>()
  for (const suspect of suspects.toSorted(
    (a, b) => CERTAINTIES.indexOf(a.certainty) - CERTAINTIES.indexOf(b.certainty),
  )) {
    const known = merged.get(suspect.who)
    if (known === undefined) merged.set(suspect.who, suspect)
    else merged.set(suspect.who, { ...known, evidence: [...new Set([...known.evidence, ...suspect.evidence])] })
  }
  return [...merged.values()].slice(0, MOST_SUSPECTS).map((suspect) => {
    const more = suspect.evidence.length - MOST_EVIDENCE
    if (more < 2) return suspect
    return { ...suspect, evidence: [...suspect.evidence.slice(0, MOST_EVIDENCE), `and ${more} more like it`] }
  })
}

const MOST_SUSPECTS = 8
const MOST_EVIDENCE = 5

const CERTAINTIES: readonly Suspect['certainty'][] = ['certain', 'likely', 'possible']

/** That it began to work after ctfleet's change, where its process or its unit shows that. */
export function startedSince({ runsAs }: Pick<Actor, 'runsAs'>, { started, appliedAt }: Traces): Started | undefined {
  if (!started.known || !appliedAt.known) return undefined
  return started.value.find(({ name, at }) => runsAs.includes(name) && at > appliedAt.value)
}

function writtenAt(path: string, { files }: Traces): Written | undefined {
  return files.known ? files.value.find((each) => each.path === path) : undefined
}

/** `written 2026-11-26 14:05:10 UTC, file of alice, after ctfleet’s change`. */
export function writtenText(path: string, traces: Traces): string | null {
  const written = writtenAt(path, traces)
  if (written === undefined) return null
  const { appliedAt } = traces
  const order = appliedAt.known ? `, ${orderOf(written.at - appliedAt.value)} ctfleet's change` : ''
  return `written ${momentText(written.at)}${order}; the file is ${written.owner}'s`
}

/** Both are known to the second. */
function orderOf(seconds: number): string {
  if (seconds === 0) return 'in the same second as'
  return seconds > 0 ? 'after' : 'before'
}

/** In UTC, to the second. */
export function momentText(epochSeconds: number): string {
  return `${new Date(epochSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** What shows that the one of this name began since ctfleet's change; nothing where none does. */
export function began(name: string, traces: Traces): readonly string[] {
  const actor = ACTORS.find((each) => each.name === name)
  const since = actor === undefined ? undefined : startedSince(actor, traces)
  return since === undefined ? [] : [`${since.name} was started after ctfleet's change`]
}
