import type { Fault } from '../model/fault.ts'
import { visible } from '../report/format.ts'
import { runFleet } from '../run/fleet.ts'
import type { Telling } from '../run/story.ts'
import { withProgress } from './progress.ts'
import type { Terminal } from './terminal.ts'

export type Phase<H, R> = {
  readonly title: string
  readonly hosts: readonly H[]
  readonly parallel: number
  readonly story: (host: H, telling: Telling) => Promise<R>
  /** What to type when a person leaves while hosts are at work. */
  readonly onLeaving: readonly string[]
  /** Called as each host ends. */
  readonly onEnd?: (result: R) => void
}

type Ended = { readonly host: string; readonly status: string; readonly fault?: Fault | null }

/** What a host is that was never begun, or whose story met a bug of ours. */
export type Otherwise =
  | { readonly host: string; readonly status: 'not-reached'; readonly why: string }
  | { readonly host: string; readonly status: 'failed'; readonly fault: Fault }

/** One phase over all hosts, shown as progress. A bug is told with its stack, and costs only the host that met it. */
export async function runPhase<H extends { readonly name: string }, R extends Ended>(
  phase: Phase<H, R>,
  terminal: Terminal,
): Promise<readonly (R | Otherwise)[]> {
  const { interruption } = terminal
  const bugs: string[] = []
  const results = await withProgress(terminal, { title: phase.title, total: phase.hosts.length }, async (tally) => {
    interruption.adviseOnLeaving(() => [
      `At work: ${[...tally.atWork.keys()].join(', ') || 'no host'}.`,
      ...phase.onLeaving,
    ])
    const end = (result: R | Otherwise) => tally.end(result.host, result.status, hasFault(result))
    return await runFleet<H, R | Otherwise>(
      phase.hosts,
      { parallel: phase.parallel, signal: interruption.signal, onStage: tally.begin },
      async (host, telling) => {
        const result = await phase.story(host, telling)
        phase.onEnd?.(result)
        end(result)
        return result
      },
      (host, why) => {
        if ('bug' in why) bugs.push(stackOf(host.name, why.bug))
        const result = otherwise(host.name, why)
        end(result)
        return result
      },
    )
  })
  interruption.adviseOnLeaving(() => [])
  terminal.say(bugs.flatMap((text) => text.split('\n').map(visible)))
  return results
}

function otherwise(host: string, why: { readonly notReached: string } | { readonly bug: unknown }): Otherwise {
  if ('notReached' in why) return { host, status: 'not-reached', why: why.notReached }
  const said = why.bug instanceof Error ? why.bug.message : String(why.bug)
  const message = `ctfleet met a bug of its own: ${said}; a change that had begun takes itself back`
  return {
    host,
    status: 'failed',
    fault: { code: 'bug', message, next: 'report it with the lines that begin with "bug"' },
  }
}

function stackOf(host: string, bug: unknown): string {
  return `bug at ${host}: ${bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)}`
}

function hasFault(result: Ended | Otherwise): boolean {
  return ('fault' in result && result.fault !== null && result.fault !== undefined) || result.status === 'not-reached'
}
