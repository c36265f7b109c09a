import type { Terminal } from '../../src/cli/terminal.ts'
import { plain } from '../report/paper.ts'

/** Somebody who has no terminal, and presses Ctrl-C all the same. */
export function desk() {
  const said: string[] = []
  const printed: string[] = []
  const stop = new AbortController()
  let advice: () => readonly string[] = () => []
  const terminal: Terminal = {
    paper: plain(80),
    print: (lines) => printed.push(...lines),
    printText: (text) => printed.push(text),
    notices: plain(80),
    say: (lines) => said.push(...lines),
    stand: () => undefined,
    isLive: false,
    canAsk: false,
    interruption: {
      signal: stop.signal,
      stop: () => stop.abort(),
      adviseOnLeaving: (next) => {
        advice = next
      },
    },
  }
  return { terminal, said, printed, stop: () => stop.abort(), advice: () => advice() }
}
