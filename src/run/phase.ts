import type { Stage } from '../model/event.ts'
import type { Fault } from '../model/fault.ts'
import { asManyAsFit, CHANGING_FILES, type Fitting, freeDescriptors, READING_FILES } from './descriptors.ts'
import type { Discipline, WaveNews } from './discipline.ts'
import { type Otherwise as OtherwiseOf, runFleet, STOPPED } from './fleet.ts'
import { runWaves } from './fleet-waves.ts'
import type { Placed } from './order.ts'
import type { Telling } from './story.ts'

/** One part of a command's work, over all hosts. */
export type Phase<H, R> = {
  /** As a person reads it: `Planning`. */
  readonly title: string
  readonly hosts: readonly H[]
  /** How many of them it is about so far; absent: all. */
  readonly total?: () => number
  /** Hosts at a time, as far as file descriptors go. */
  readonly parallel: number
  readonly story: (host: H, telling: Telling) => Promise<R>
  /** It changes nothing at any host, so one whose session was ended from here might as well not have been begun. */
  readonly onlyReads?: boolean
  /** What to type when a person leaves while hosts are at work. */
  readonly onLeaving: readonly string[]
  /** Called as each host's story ends, and again where it is well no more after that. */
  readonly onEnd?: (result: R | Otherwise) => void
}

/** Who goes when; without it all hosts are in the same wave. */
export type InWaves<H, R> = Omit<Discipline<H, R | Otherwise>, 'onNews'>

export type Ended = { readonly host: string; readonly status: string; readonly fault?: Fault | null }

/** What a host is that was never begun, or whose story met a bug of ours. */
export type Otherwise =
  | { readonly host: string; readonly status: 'not-reached'; readonly why: string }
  | { readonly host: string; readonly status: 'failed'; readonly fault: Fault }

/** Who follows a phase as it goes: the progress of the command line, or the events of a program. */
export type Audience = {
  readonly signal: AbortSignal
  readonly onStage: (host: string, stage: Stage) => void
  readonly onEnd: (host: string, status: string, fault: Fault | null) => void
  readonly onNews: (news: WaveNews) => void
  /** A host that had ended well is well no more. */
  readonly onTrouble: (host: string, why: string) => void
  /** A bug of ours, which costs only the host that met it. */
  readonly onBug: (host: string, bug: unknown) => void
}

/** Runs a phase, however it is shown. */
export type Conduct = <H extends Placed, R extends Ended>(
  phase: Phase<H, R>,
  inWaves?: InWaves<H, R>,
) => Promise<readonly (R | Otherwise)[]>

/** As many hosts at a time as there are file descriptors for, and what to say where those are fewer than wanted. */
export function fitting(
  { parallel, hosts }: { readonly parallel: number; readonly hosts: readonly unknown[] },
  isInWaves: boolean,
): Fitting {
  const files = isInWaves ? CHANGING_FILES : READING_FILES
  return asManyAsFit(Math.min(parallel, hosts.length), files, freeDescriptors())
}

/** One story a host, and one result each, always. */
export async function conductPhase<H extends Placed, R extends Ended>(
  phase: Phase<H, R>,
  audience: Audience,
  inWaves?: InWaves<H, R>,
): Promise<readonly (R | Otherwise)[]> {
  const end = (result: R | Otherwise) => audience.onEnd(result.host, result.status, faultOf(result))
  const story = async (host: H, telling: Telling): Promise<R | Otherwise> => {
    const told = await phase.story(host, telling)
    const isOurs = telling.signal.aborted && isBrokenOff(told, phase.onlyReads ?? false)
    const result = isOurs ? otherwise(host.name, { notReached: STOPPED }) : told
    phase.onEnd?.(result)
    end(result)
    return result
  }
  const orElse: OtherwiseOf<H, R | Otherwise> = (host, why) => {
    if ('bug' in why) audience.onBug(host.name, why.bug)
    const result = otherwise(host.name, why)
    end(result)
    return result
  }
  const { parallel } = fitting(phase, inWaves !== undefined)
  const fleet = { parallel, signal: audience.signal, onStage: audience.onStage }
  if (inWaves === undefined) return await runFleet(phase.hosts, fleet, story, orElse)
  const watch = watching(inWaves, (result) => {
    phase.onEnd?.(result)
    audience.onTrouble(result.host, faultOf(result)?.message ?? 'well no more')
  })
  return await runWaves<H, R | Otherwise>({ ...inWaves, watch, onNews: audience.onNews }, fleet, story, orElse)
}

/** A host that was still being connected to, or read, when all was stopped is not to be blamed for it. */
function isBrokenOff({ status, fault }: Ended, onlyReads: boolean): boolean {
  if (status === 'unreachable' && fault?.code === 'cancelled') return true
  const isCut = fault?.code === 'cancelled' || fault?.code === 'lost'
  return onlyReads && isCut && (status === 'unreachable' || status === 'failed')
}

/** Says of each host that is well no more. */
function watching<H, R extends Ended>(
  { watch }: InWaves<H, R>,
  onTrouble: (result: R | Otherwise) => void,
): InWaves<H, R>['watch'] {
  if (watch === null) return null
  return async (host, result) => {
    const check = await watch(host, result)
    return async () => {
      const now = await check()
      if (now !== null) onTrouble(now)
      return now
    }
  }
}

function otherwise(host: string, why: { readonly notReached: string } | { readonly bug: unknown }): Otherwise {
  if ('notReached' in why) return { host, status: 'not-reached', why: why.notReached }
  const said = why.bug instanceof Error ? why.bug.message : String(why.bug)
  const message = `ctfleet met a bug of its own: ${said}`
  return {
    host,
    status: 'failed',
    fault: { code: 'bug', message, next: 'report it with the stack that follows "bug at" on standard error' },
  }
}

function faultOf(result: Ended | Otherwise): Fault | null {
  return 'fault' in result ? (result.fault ?? null) : null
}
