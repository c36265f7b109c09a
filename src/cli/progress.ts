import { Listr, type ListrRenderer, type ListrRendererTask } from 'listr2'
import type { FleetEvent } from '../model/event.ts'
import { endLine, isWorthALine, newsLines, standingLines } from './progress-lines.ts'
import { type Happening, newTally, type Tally } from './tally.ts'
import type { Terminal } from './terminal.ts'

/**
 * Runs one phase and shows how far it is. The phase is the task, never the host: drawing is bound to a clock, so its
 * cost does not grow with the fleet. Nothing is drawn on stdout.
 */
export async function withProgress<T>(
  terminal: Terminal,
  phase: { readonly title: string; readonly total: number | (() => number) },
  work: (tally: Tally) => Promise<T>,
): Promise<T> {
  const name = phase.title.toLowerCase()
  const { events } = terminal
  const tally = newTally(phase.total, Date.now, (happening) => events?.tell(eventOf(name, happening)))
  events?.tell({ event: 'phase-began', phase: name, hosts: tally.total })
  let result: { readonly value: T } | undefined
  const task = async () => {
    result = { value: await work(tally) }
  }
  const listr = new Listr([{ title: phase.title, task }], {
    renderer: FleetRenderer,
    rendererOptions: { terminal, tally },
    fallbackRenderer: FleetRenderer,
    fallbackRendererOptions: { terminal, tally },
    // Ctrl-C is ours: listr2's own listener would end the process while hosts are at work.
    registerSignalListeners: false,
    exitOnError: true,
  })
  await listr.run()
  events?.tell({ event: 'phase-ended', phase: name, counts: Object.fromEntries(tally.counts) })
  if (result === undefined) throw new Error(`the phase "${phase.title}" ended without a result`)
  return result.value
}

function eventOf(phase: string, happening: Happening): FleetEvent {
  switch (happening.type) {
    case 'stage':
      return { event: 'stage', phase, host: happening.host, stage: happening.stage }
    case 'ended': {
      const { host, status, fault } = happening
      return { event: 'host-ended', phase, host, status, code: fault?.code ?? null, why: fault?.message ?? null }
    }
    case 'remark':
      return { event: 'remark', phase, text: happening.remark, bad: happening.isBad }
  }
}

type FleetRendererOptions = { readonly terminal: Terminal; readonly tally: Tally }

const REDRAW_MS = 100
/** Where a whole site is down, thousands of lines would tell no more than the count does. */
const MOST_FAILURES_NAMED = 200

class FleetRenderer implements ListrRenderer {
  static nonTTY = true
  static rendererOptions: FleetRendererOptions
  static rendererTaskOptions: never
  readonly #tasks: readonly ListrRendererTask<typeof FleetRenderer>[]
  readonly #terminal: Terminal
  readonly #tally: Tally
  #timer: NodeJS.Timeout | undefined
  #failuresNamed = 0

  constructor(tasks: ListrRendererTask<typeof FleetRenderer>[], { terminal, tally }: FleetRendererOptions) {
    this.#tasks = tasks
    this.#terminal = terminal
    this.#tally = tally
  }

  render(): void {
    if (!this.#terminal.isLive) this.#terminal.say([`${this.#title} …`])
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS)
    this.#timer.unref()
    this.#draw()
  }

  end(): void {
    clearInterval(this.#timer)
    this.#sayNews()
    this.#terminal.stand([])
    this.#terminal.say([endLine(this.#title, this.#tally, Date.now())])
  }

  get #title(): string {
    return this.#tasks.map(({ title }) => title ?? '').join(', ')
  }

  #draw(): void {
    this.#sayNews()
    if (!this.#terminal.isLive) return
    this.#terminal.stand(standingLines(this.#terminal.notices, this.#title, this.#tally, Date.now()))
  }

  #sayNews(): void {
    const { isLive, notices, say } = this.#terminal
    const lines: string[] = []
    for (const news of this.#tally.takeNews()) {
      if (!isWorthALine(news, this.#tally, isLive)) continue
      if ('fault' in news && news.fault !== null && ++this.#failuresNamed > MOST_FAILURES_NAMED) {
        if (this.#failuresNamed === MOST_FAILURES_NAMED + 1) lines.push(MORE_FAILURES)
      } else lines.push(...newsLines(notices, news))
    }
    if (lines.length > 0) say(lines)
  }
}

const MORE_FAILURES = '  … those that fail from here on are counted, and named in the report'
