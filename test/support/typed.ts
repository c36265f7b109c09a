import { Readable, Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { runCommandLine } from '../../src/cli/program.ts'
import { openTerminal } from '../../src/cli/terminal.ts'
import { InputError, printComplaint } from '../../src/input/complaint.ts'
import type { Said } from './ctfleet.ts'
import { desk } from './desk.ts'

/** What is answered to these words, typed without a terminal, in this process: all but what `main` adds. */
export async function typed(words: readonly string[]): Promise<Said> {
  const [stdout, stderr] = [paper(), paper()]
  const { interruption } = desk().terminal
  const stdin = new Readable({ read: () => undefined }) as ReadStream
  const streams = { stdin, stdout: stdout.stream, stderr: stderr.stream }
  const terminal = openTerminal(streams, process.env, () => interruption)
  const said = (code: number): Said => ({ code, stdout: stdout.text(), stderr: stderr.text() })
  try {
    return said(await runCommandLine(words, terminal))
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    terminal.say(error.complaints.map(printComplaint))
    return said(2)
  }
}

function paper() {
  let text = ''
  const stream = new Writable({
    write: (chunk, _, done) => {
      text += chunk
      done()
    },
  })
  return { stream: stream as WriteStream, text: () => text }
}
