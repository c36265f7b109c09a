import { visible } from '../report/format.ts'
import { listed } from '../report/text/listed.ts'
import { bugLines } from '../run/bug-lines.ts'
import type { Placed } from '../run/order.ts'
import {
  type Conduct,
  conductPhase,
  type Ended,
  fitting,
  type InWaves,
  type Otherwise,
  type Phase,
} from '../run/phase.ts'
import { waveEvent } from '../run/wave-remarks.ts'
import { notes } from '../transport/notes.ts'
import { withProgress } from './progress.ts'
import type { Terminal } from './terminal.ts'
import { tellNews } from './wave-words.ts'

/** Phases shown on this terminal. */
export function conductOn(terminal: Terminal): Conduct {
  return async (phase, inWaves) => await runPhase(phase, terminal, inWaves)
}

/** One phase over all hosts, shown as progress. A bug is told with its stack, and costs only the host that met it. */
export async function runPhase<H extends Placed, R extends Ended>(
  phase: Phase<H, R>,
  terminal: Terminal,
  inWaves?: InWaves<H, R>,
): Promise<readonly (R | Otherwise)[]> {
  const { interruption } = terminal
  const { note } = fitting(phase, inWaves !== undefined)
  if (note !== null) terminal.say([note])
  const bugs: (readonly string[])[] = []
  // Before anything is drawn: from the first signal on, what stands is taken back in order.
  interruption.adviseOnLeaving(() => phase.onLeaving)
  const results = await withProgress(
    terminal,
    { title: phase.title, total: phase.total ?? phase.hosts.length },
    async (tally) => {
      // It holds after the phase too, until the next one: whoever leaves before the report is written needs it as much.
      interruption.adviseOnLeaving(() => [
        ...(tally.atWork.size === 0 ? [] : [`At work: ${listed([...tally.atWork.keys()].map(visible), 20)}.`]),
        ...phase.onLeaving,
      ])
      return await conductPhase(
        phase,
        {
          signal: interruption.signal,
          onStage: tally.begin,
          onEnd: tally.end,
          onNews: (news) => {
            if (news.type === 'wave') terminal.events?.tell({ ...waveEvent(news), phase: phase.title.toLowerCase() })
            tellNews(tally, news)
          },
          onTrouble: (host, why) => tally.remark(`${host}  ${why}`, { isBad: true }),
          onBug: (host, bug) => void bugs.push(bugLines(host, bug)),
        },
        inWaves,
      )
    },
  )
  terminal.say(notes.take().map(({ note, hosts }) => visible(`${listed(hosts, 5)}: ${note}`)))
  terminal.say(bugs.flat())
  return results
}
