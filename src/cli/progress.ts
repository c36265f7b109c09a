import { Listr, type ListrRenderer, type ListrRendererTask } from 'listr2'
import { endLine, isWorthALine, newsLines, standingLines } from './progress-lines.ts'
import { newTally, type Tally } from './tally.ts'
import type { Terminal } from './terminal.ts'

/**
 * Runs one phase and shows how far it is. The phase is the task, never the host: drawing is bound to a clock, so its
 * cost does not grow with the fleet. Nothing is drawn on stdout.
 */
export async function withProgress<T>(
  terminal: Terminal,
  phase: { readonly title: string; readonly total: number },
  work: (tally: Tally) => Promise<T>,
): Promise<T> {
  const tally = newTally(phase.total)
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
  if (result === undefined) throw new Error(`the phase "${phase.title}" ended without a result`)
  return result.value
}

type FleetRendererOptions = { readonly terminal: Terminal; readonly tally: Tally }

const REDRAW_MS = 100

class FleetRenderer implements ListrRenderer {
  static nonTTY = true
  static rendererOptions: FleetRendererOptions
  static rendererTaskOptions: never
  readonly #tasks: readonly ListrRendererTask<typeof FleetRenderer>[]
  readonly #terminal: Terminal
  readonly #tally: Tally
  #timer: NodeJS.Timeout | undefined

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
    const worth = this.#tally.takeNews().filter((news) => isWorthALine(news, this.#tally, isLive))
    if (worth.length > 0) say(worth.flatMap((news) => newsLines(notices, news)))
  }
}
