import type { Fault } from '../model/fault.ts'
import { visible } from '../report/format.ts'
import { listed } from '../report/text/listed.ts'
import { type Otherwise as OtherwiseOf, runFleet, STOPPED } from '../run/fleet.ts'
import { type Discipline, runWaves } from '../run/fleet-waves.ts'
import type { Placed } from '../run/order.ts'
import type { Telling } from '../run/story.ts'
import { notes } from '../transport/notes.ts'
import { asManyAsFit, CHANGING_FILES, freeDescriptors, READING_FILES } from './descriptors.ts'
import { withProgress } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { tellNews } from './wave-words.ts'

export type Phase<H, R> = {
  readonly title: string
  readonly hosts: readonly H[]
  readonly parallel: number
  readonly story: (host: H, telling: Telling) => Promise<R>
  /** What to type when a person leaves while hosts are at work. */
  readonly onLeaving: readonly string[]
  /** Called as each host's story ends, and again where it is well no more after that. */
  readonly onEnd?: (result: R | Otherwise) => void
}

/** Who goes when; without it all hosts are in the same wave. */
export type InWaves<H, R> = Omit<Discipline<H, R | Otherwise>, 'onNews'>

type Ended = { readonly host: string; readonly status: string; readonly fault?: Fault | null }

/** What a host is that was never begun, or whose story met a bug of ours. */
export type Otherwise =
  | { readonly host: string; readonly status: 'not-reached'; readonly why: string }
  | { readonly host: string; readonly status: 'failed'; readonly fault: Fault }

/** One phase over all hosts, shown as progress. A bug is told with its stack, and costs only the host that met it. */
export async function runPhase<H extends Placed, R extends Ended>(
  phase: Phase<H, R>,
  terminal: Terminal,
  inWaves?: InWaves<H, R>,
): Promise<readonly (R | Otherwise)[]> {
  const { interruption } = terminal
  const files = inWaves === undefined ? READING_FILES : CHANGING_FILES
  const { parallel, note } = asManyAsFit(Math.min(phase.parallel, phase.hosts.length), files, freeDescriptors())
  if (note !== null) terminal.say([note])
  const bugs: (readonly string[])[] = []
  const results = await withProgress(terminal, { title: phase.title, total: phase.hosts.length }, async (tally) => {
    // It holds after the phase too, until the next one: whoever leaves before the report is written needs it as much.
    interruption.adviseOnLeaving(() => [
      ...(tally.atWork.size === 0 ? [] : [`At work: ${listed([...tally.atWork.keys()].map(visible), 20)}.`]),
      ...phase.onLeaving,
    ])
    const end = (result: R | Otherwise) => tally.end(result.host, result.status, hasFault(result))
    const story = async (host: H, telling: Telling): Promise<R | Otherwise> => {
      const told = await phase.story(host, telling)
      // Whoever was still connecting at the first Ctrl-C is not to be taken for a host that is out of reach.
      const isOurs = told.status === 'unreachable' && told.fault?.code === 'cancelled' && telling.signal.aborted
      const result = isOurs ? otherwise(host.name, { notReached: STOPPED }) : told
      phase.onEnd?.(result)
      end(result)
      return result
    }
    const orElse: OtherwiseOf<H, R | Otherwise> = (host, why) => {
      if ('bug' in why) bugs.push(bugLines(host.name, why.bug))
      const result = otherwise(host.name, why)
      end(result)
      return result
    }
    const fleet = { parallel, signal: interruption.signal, onStage: tally.begin }
    if (inWaves === undefined) return await runFleet(phase.hosts, fleet, story, orElse)
    const watch = watching(inWaves, (result) => {
      phase.onEnd?.(result)
      tally.remark(`${result.host}  ${faultText(result)}`, { isBad: true })
    })
    const discipline = { ...inWaves, watch, onNews: (news: Parameters<typeof tellNews>[1]) => tellNews(tally, news) }
    return await runWaves<H, R | Otherwise>(discipline, fleet, story, orElse)
  })
  terminal.say(notes.take().map(({ note, hosts }) => visible(`${listed(hosts, 5)}: ${note}`)))
  terminal.say(bugs.flat())
  return results
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
    fault: { code: 'bug', message, next: 'report it with the lines that begin with "bug"' },
  }
}

/** Each of its lines, for whoever reports it. */
export function bugLines(host: string, bug: unknown): readonly string[] {
  const told = bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)
  return `bug at ${host}: ${told}`.split('\n').map(visible)
}

function faultText({ fault }: Ended): string {
  return fault === undefined || fault === null ? 'well no more' : fault.message
}

function hasFault(result: Ended | Otherwise): boolean {
  return 'fault' in result && result.fault !== null && result.fault !== undefined
}
