import { Writable } from 'node:stream'
import { styleText } from 'node:util'
import inquirer from 'inquirer'
import { paragraph } from '../report/format.ts'
import { type On, openQuestion } from './ask-open.ts'
import { columnsOfTerminal, widthOf } from './terminal.ts'

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

/** Asks on stderr, so that stdout stays a report. Ctrl-C at a question is `interrupted`: nothing was begun. Ctrl-D quits. */
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

/** One of these, or null for none of them, which Ctrl-D says too. */
export async function askWhich(
  message: string,
  ones: readonly { readonly name: string; readonly value: string }[],
  withdrawn?: AbortSignal,
): Promise<string | null | 'interrupted'> {
  const choices = [...ones, { name: 'none of them: back to the question', value: null }]
  const ask = async (on: On) => {
    const { chosen } = await prompter(on)<{ chosen: string | null }>([
      { type: 'select', name: 'chosen', message, choices },
    ])
    return chosen
  }
  return await openQuestion(ask, { ctrlD: typed(String(choices.length)), withdrawn })
}

async function askOneOf<A extends string>(
  message: string,
  choices: readonly Choice<A>[],
  withdrawn?: AbortSignal,
): Promise<A | 'interrupted'> {
  const ask = async (on: On) => {
    const keys = `(${choices.map(({ key }) => key).join('')}H)`
    const { answer } = await prompter(on)<{ answer: string }>([
      { type: 'expand', name: 'answer', message: inLines(message, keys), choices, default: 'h', theme: THEME },
    ])
    const chosen = choices.find(({ value }) => value === answer)
    if (chosen === undefined) throw new Error(`nobody offered the answer ${answer}`)
    return chosen.value
  }
  return await openQuestion(ask, { ctrlD: typed('q'), withdrawn })
}

/** `change` of `change: choose another strategy`, in no more room than the keys had: more would break within words. */
export function answerShown(name: string): string {
  return name.split(':')[0] ?? name
}

const THEME = { style: { answer: (name: string) => styleText('cyan', answerShown(name)) } }

/** A question of its own, whose answer is no unless somebody types a yes; Ctrl-D is a no too. */
export async function askToAccept(message: string, withdrawn?: AbortSignal): Promise<boolean | 'interrupted'> {
  const ask = async (on: On) => {
    const { accepted } = await prompter(on)<{ accepted: boolean }>([
      { type: 'confirm', name: 'accepted', message: inLines(message, '(y/N)'), default: false },
    ])
    return accepted
  }
  return await openQuestion(ask, { ctrlD: typed('n'), withdrawn })
}

/** Asks for what nobody may see: what is typed is not shown. */
export async function askHidden(message: string): Promise<{ readonly secret: string } | 'interrupted'> {
  const ask = async (on: On) => await prompter(on)<{ secret: string }>([{ type: 'password', name: 'secret', message }])
  return await openQuestion(ask, { ctrlD: null, mayPaste: true })
}

/**
 * A question that is too wide for the terminal, in lines broken at spaces: by itself it would break within words, and within
 * what can be answered.
 * @param answers what is shown after it, and stays in one piece
 */
export function inLines(question: string, answers: string, columns = columnsOfScreen()): string {
  const paper = { columns, width: widthOf, ink: (_: unknown, text: string) => text }
  // After the answers there is room for a space and the letter that is typed.
  const place = `${answers}${'_'.repeat(2)}`
  const lines = paragraph(paper, MARGIN, `${question} ${place}`).join('\n')
  return lines.slice(MARGIN.length, -place.length).replace(/ $/, '')
}

/** As wide as the mark that stands before a question. */
const MARGIN = '  '

/** What is there to be typed over first, then the answer. */
function typed(answer: string): string {
  return `${TO_THE_END}${ALL_BEFORE}${answer}\r`
}

const [TO_THE_END, ALL_BEFORE] = ['\x05', '\x15']

function prompter({ input, signal }: On) {
  return inquirer.createPromptModule({ input, signal, output: screen() })
}

function columnsOfScreen(): number {
  return columnsOfTerminal(process.stderr, process.env)
}

/** stderr, as wide as all else that is drawn there: from one without a size inquirer would take its own idea of it. */
function screen(): Writable {
  const output = new Writable({
    decodeStrings: false,
    write: (text, _, done) => {
      process.stderr.write(text)
      done()
    },
  })
  return Object.defineProperty(Object.assign(output, { isTTY: true }), 'columns', { get: columnsOfScreen })
}
