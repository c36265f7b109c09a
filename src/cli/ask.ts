import { setTimeout as pause } from 'node:timers/promises'
import { styleText } from 'node:util'
import inquirer from 'inquirer'
import { paragraph } from '../report/format.ts'
import { keyboardOf } from './keyboard.ts'
import { widthOf } from './terminal.ts'

export type Answer = 'yes' | 'no' | 'skip' | 'show' | 'rest' | 'quit'

/** What can be said to a plan besides: yes to all hosts of the same change, and another strategy. */
export type PlanAnswer = Answer | 'same' | 'another'

/** Which of the answers to a plan make sense for this host. */
export type Offers = { readonly same: boolean; readonly another: boolean }

type Choice<A> = { readonly key: string; readonly name: string; readonly value: A }

const YES_NO_SKIP: readonly Choice<Answer>[] = [
  { key: 'y', name: 'yes: do this', value: 'yes' },
  { key: 'n', name: 'no: not on this host', value: 'no' },
  { key: 's', name: 'skip: not now', value: 'skip' },
  { key: 'f', name: 'full: show it in full, ask again', value: 'show' },
]
const SAME: Choice<PlanAnswer> = {
  key: 'g',
  name: 'group: yes to this and the rest with this same change',
  value: 'same',
}
const ANOTHER: Choice<PlanAnswer> = { key: 'c', name: 'change: choose another strategy, ask again', value: 'another' }
const ALL_THE_REST: readonly Choice<Answer>[] = [
  { key: 'a', name: 'all: yes to this and all that follow', value: 'rest' },
  { key: 'q', name: 'quit: skip this and all that follow, do those with a yes', value: 'quit' },
]

/** Asks on stderr, so that stdout stays a report. Ctrl-C at a question is `interrupted`: nothing was begun. */
export async function askPerson(message: string): Promise<Answer | 'interrupted'> {
  return await askOneOf(message, [...YES_NO_SKIP, ...ALL_THE_REST])
}

/** The same about a plan. @param withdrawn takes the question back, as Ctrl-C does */
export async function askAboutPlan(
  message: string,
  { same, another }: Offers,
  withdrawn?: AbortSignal,
): Promise<PlanAnswer | 'interrupted'> {
  const choices = [...YES_NO_SKIP, ...(same ? [SAME] : []), ...(another ? [ANOTHER] : []), ...ALL_THE_REST]
  return await askOneOf<PlanAnswer>(message, choices, withdrawn)
}

/** One of these, or null for none of them. */
export async function askWhich(
  message: string,
  ones: readonly { readonly name: string; readonly value: string }[],
  withdrawn?: AbortSignal,
): Promise<string | null | 'interrupted'> {
  return await asking(async (input) => {
    const choices = [...ones, { name: 'none of them: back to the question', value: null }]
    const { chosen } = await prompter({ input, withdrawn })<{ chosen: string | null }>([
      { type: 'select', name: 'chosen', message, choices },
    ])
    return chosen
  })
}

async function askOneOf<A extends string>(
  message: string,
  choices: readonly Choice<A>[],
  withdrawn?: AbortSignal,
): Promise<A | 'interrupted'> {
  return await asking(async (input) => {
    const keys = `(${choices.map(({ key }) => key).join('')}H)`
    const { answer } = await prompter({ input, withdrawn })<{ answer: string }>([
      { type: 'expand', name: 'answer', message: inLines(message, keys), choices, default: 'h', theme: THEME },
    ])
    const chosen = choices.find(({ value }) => value === answer)
    if (chosen === undefined) throw new Error(`nobody offered the answer ${answer}`)
    return chosen.value
  })
}

/** `change` of `change: choose another strategy`, in no more room than the keys had: more would break within words. */
export function answerShown(name: string): string {
  return name.split(':')[0] ?? name
}

const THEME = { style: { answer: (name: string) => styleText('cyan', answerShown(name)) } }

/** A question of its own, whose answer is no unless somebody types a yes. */
export async function askToAccept(message: string, withdrawn?: AbortSignal): Promise<boolean | 'interrupted'> {
  return await asking(async (input) => {
    const { accepted } = await prompter({ input, withdrawn })<{ accepted: boolean }>([
      { type: 'confirm', name: 'accepted', message: inLines(message, '(y/N)'), default: false },
    ])
    return accepted
  })
}

/** Asks for what nobody may see: what is typed is not shown. */
export async function askHidden(message: string): Promise<{ readonly secret: string } | 'interrupted'> {
  return await unlessInterrupted(
    // A secret may be pasted.
    async () =>
      await prompter({ input: process.stdin })<{ secret: string }>([{ type: 'password', name: 'secret', message }]),
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

type Asked = { readonly input: NodeJS.ReadableStream; readonly withdrawn?: AbortSignal | undefined }

function prompter({ input, withdrawn }: Asked) {
  const streams = { input, output: process.stderr }
  return inquirer.createPromptModule(withdrawn === undefined ? streams : { ...streams, signal: withdrawn })
}

/** Asks what is answered by keys: of them only those count that can be an answer to this. */
async function asking<T>(ask: (input: NodeJS.ReadableStream) => Promise<T>): Promise<T | 'interrupted'> {
  return await unlessInterrupted(async () => {
    const { input, close } = keyboardOf(process.stdin)
    try {
      return await ask(input)
    } finally {
      close()
    }
  })
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
