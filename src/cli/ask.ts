import { setTimeout as pause } from 'node:timers/promises'
import inquirer from 'inquirer'
import { paragraph } from '../report/format.ts'
import { widthOf } from './terminal.ts'

export type Answer = 'yes' | 'no' | 'skip' | 'show' | 'rest' | 'quit'

const CHOICES = [
  { key: 'y', name: 'yes: do this', value: 'yes' },
  { key: 'n', name: 'no: not on this host', value: 'no' },
  { key: 's', name: 'skip: not now', value: 'skip' },
  { key: 'f', name: 'full: show it in full, ask again', value: 'show' },
  { key: 'a', name: 'all: yes to this and all that follow', value: 'rest' },
  { key: 'q', name: 'quit: skip this and all that follow, do those with a yes', value: 'quit' },
] as const

/** Asks on stderr, so that stdout stays a report. Ctrl-C at a question is `interrupted`: nothing was begun. */
export async function askPerson(message: string): Promise<Answer | 'interrupted'> {
  return await unlessInterrupted(async () => {
    const { answer } = await prompter()<{ answer: Answer }>([
      { type: 'expand', name: 'answer', message: inLines(message, '(ynsfaqH)'), choices: CHOICES, default: 'h' },
    ])
    return answer
  })
}

/** A question of its own, whose answer is no unless somebody types a yes. */
export async function askToAccept(message: string): Promise<boolean | 'interrupted'> {
  return await unlessInterrupted(async () => {
    const { accepted } = await prompter()<{ accepted: boolean }>([
      { type: 'confirm', name: 'accepted', message: inLines(message, '(y/N)'), default: false },
    ])
    return accepted
  })
}

/** Asks for what nobody may see: what is typed is not shown. */
export async function askHidden(message: string): Promise<{ readonly secret: string } | 'interrupted'> {
  return await unlessInterrupted(
    async () => await prompter()<{ secret: string }>([{ type: 'password', name: 'secret', message }]),
  )
}

/**
 * A question that is too wide for the terminal, in lines broken at spaces: by itself it would break within words, and within
 * what can be answered.
 * @param answers what is shown after it, and stays in one piece
 */
export function inLines(question: string, answers: string, columns = process.stderr.columns ?? 80): string {
  const paper = { columns, width: widthOf, ink: (_: unknown, text: string) => text }
  // After the answers there is room for a space and the letter that is typed.
  const place = `${answers}${'_'.repeat(2)}`
  const lines = paragraph(paper, MARGIN, `${question} ${place}`).join('\n')
  return lines.slice(MARGIN.length, -place.length).replace(/ $/, '')
}

/** As wide as the mark that stands before a question. */
const MARGIN = '  '

function prompter() {
  return inquirer.createPromptModule({ input: process.stdin, output: process.stderr })
}

/** Milliseconds for what lies in the terminal to arrive. */
const TYPED_MS = 40

/**
 * What was typed before a question could be read is no answer to it.
 * @returns false where Ctrl-C was among it
 */
async function forgetTyped(): Promise<boolean> {
  const { stdin } = process
  if (stdin.isTTY !== true) return true
  let goesOn = true
  const drop = (typed: Buffer | string) => {
    goesOn &&= !typed.toString().includes('\x03')
  }
  stdin.setRawMode(true)
  stdin.on('data', drop)
  stdin.resume()
  await pause(TYPED_MS)
  stdin.off('data', drop)
  stdin.pause()
  stdin.setRawMode(false)
  return goesOn
}

async function unlessInterrupted<T>(ask: () => Promise<T>): Promise<T | 'interrupted'> {
  try {
    return (await forgetTyped()) ? await ask() : 'interrupted'
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError'))
      return 'interrupted'
    throw error
  }
}
