import { inspect } from 'node:util'
import type { FleetEvent } from '../model/event.ts'
import { bugLines } from '../run/bug-lines.ts'
import { type Conduct, conductPhase } from '../run/phase.ts'
import { remarkOn, waveEvent } from '../run/wave-remarks.ts'

/** How a program follows the work, and ends it. */
export type FollowOptions = {
  /** Hears what `--events` of the command line writes, as it happens. What it throws is a warning of the process, and stops nothing. */
  readonly onEvent?: (event: FleetEvent) => void
  /** Once aborted no further host begins. Hosts that are being changed go on to their end, or take it back. */
  readonly signal?: AbortSignal
}

/** Phases without a terminal: each tells its events, and nothing else. */
export function conductFor({ onEvent: listener, signal = NEVER }: FollowOptions): Conduct {
  const onEvent = heard(listener)
  return async (phase, inWaves) => {
    const name = phase.title.toLowerCase()
    const counts: { [status: string]: number } = {}
    const remark = (text: string, bad: boolean) => onEvent({ event: 'remark', phase: name, text, bad })
    onEvent({ event: 'phase-began', phase: name, hosts: phase.hosts.length })
    const results = await conductPhase(
      phase,
      {
        signal,
        onStage: (host, stage) => {
          if (stage !== 'waiting' && stage !== 'ended') onEvent({ event: 'stage', phase: name, host, stage })
        },
        onEnd: (host, status, fault) => {
          counts[status] = (counts[status] ?? 0) + 1
          const [code, why] = fault === null ? [null, null] : [fault.code, fault.message]
          onEvent({ event: 'host-ended', phase: name, host, status, code, why })
        },
        onNews: (news) => {
          if (news.type === 'wave') onEvent({ ...waveEvent(news), phase: name })
          const said = remarkOn(news, new Date())
          if (said !== '') remark(said, news.type === 'stopped')
        },
        onTrouble: (host, why) => remark(`${host}  ${why}`, true),
        onBug: warnOfBug,
      },
      inWaves,
    )
    onEvent({ event: 'phase-ended', phase: name, counts })
    return results
  }
}

/** A listener that fails, at once or in its own time, must not cost a host that is being changed. */
export function heard(onEvent: FollowOptions['onEvent']): (event: FleetEvent) => void {
  const warn = (error: unknown) => process.emitWarning(error instanceof Error ? error : inspect(error))
  return (event) => {
    try {
      // An async function is a listener by its type; what becomes of its promise nobody else would hear.
      Promise.resolve(onEvent?.(event)).catch(warn)
    } catch (error) {
      warn(error)
    }
  }
}

/** The host's result says that there was one, and so does the event of its end; only this has the stack. */
export function warnOfBug(host: string, bug: unknown): void {
  process.emitWarning(bugLines(host, bug).join('\n'))
}

export const NEVER: AbortSignal = new AbortController().signal
