import type { RecentId } from '../../store/recent-ids.ts'
import { type Command, Help, type Option } from '../commander.ts'
import { optionsOf, type Place } from './place.ts'

/** One way to go on: the whole word, and what it means where it is not plain. */
export type Candidate = { readonly word: string; readonly means: string }

/** What only the world knows; each is asked for only where it is wanted. */
export type Known = {
  /** Hosts and groups of the inventory that is meant. */
  readonly hosts: () => Promise<readonly string[]>
  readonly playbooks: () => readonly string[]
  /** Runs or audits on record, newest first. */
  readonly ids: (of: 'runs' | 'audits') => Promise<readonly RecentId[]>
}

/** `files`: the shell is to offer names of files beside these. */
export type Offered = { readonly candidates: readonly Candidate[]; readonly files: boolean }

/** All that can stand at the cursor and begins as what is typed there. */
export async function candidatesAt(place: Place, known: Known): Promise<Offered> {
  const { begun, kept } = place
  const { words, files } = await optionOrWord(place, known)
  const fitting = words.filter(({ word }) => word.startsWith(begun) && CLEAN.test(word))
  return { candidates: fitting.map(({ word, means }) => ({ word: kept + word, means: oneLine(means) })), files }
}

/** What a shell takes for itself, or a terminal would obey, is not offered: names come from inventories. */
const CLEAN = /^[A-Za-z0-9_.,:@%+=/~&!*[\]-]+$/

type Words = { readonly words: readonly Candidate[]; readonly files: boolean }

async function optionOrWord(place: Place, known: Known): Promise<Words> {
  const { option, begun, command, words } = place
  if (option !== null) {
    const placeholder = /<([^>]+)>/.exec(option.flags)?.[1] ?? ''
    return await valuesOf(option.attributeName(), { ...place, known, placeholder, choices: choicesOf(option) })
  }
  if (begun.startsWith('-')) return { words: optionWords(command), files: false }
  const inner = words.length === 0 ? commandWords(command) : []
  const argument = command.registeredArguments[words.length] ?? lastVariadic(command)
  if (argument === undefined) return { words: inner, files: false }
  const how = { ...place, known, placeholder: argument.name(), choices: choicesOf(argument) }
  const told = await valuesOf(argument.name(), how)
  return { words: [...inner, ...told.words], files: told.files }
}

type Wanted = Place & { readonly known: Known; readonly placeholder: string; readonly choices: readonly string[] }

/** @param name of an option or an argument, as the program has it */
async function valuesOf(name: string, { known, begun, placeholder, choices, command, given }: Wanted): Promise<Words> {
  if (choices.length > 0) return { words: plain(choices), files: false }
  if (name === 'limit') return { words: patterns(begun, await known.hosts()), files: false }
  if (name === 'host') return { words: plain(await known.hosts()), files: false }
  if (name === 'strategy' || (name === 'name' && command.parent?.name() === 'playbook'))
    return { words: plain(name === 'strategy' ? ['auto', ...known.playbooks()] : known.playbooks()), files: true }
  const alternatives = placeholder.split('|')
  const isAudit = given.has('audit')
  const isRun = alternatives.includes('run') && !isAudit
  const ids = [
    ...(isRun ? await known.ids('runs') : []),
    ...(alternatives.includes('audit') ? await known.ids('audits') : []),
  ]
  const files = /file|inventory|plan|source|words/.test(placeholder) && !isAudit
  const last = isRun || isAudit ? [{ word: 'last', means: isRun ? LAST_RUN : LAST_AUDIT }] : []
  return { words: [...last, ...ids.map(({ id, means }) => ({ word: id, means }))], files }
}

const LAST_RUN = 'the run that was begun last'
const LAST_AUDIT = 'the audit that was made last'

/** `web,db-` goes on with the last of its parts. */
function patterns(begun: string, names: readonly string[]): readonly Candidate[] {
  const before = /^.*[,:][!&]?|^[!&]/s.exec(begun)?.[0] ?? ''
  return plain(['all', ...names].map((name) => before + name))
}

/** As they are told in help: `text or json`, `text, json, markdown or html (default: …)`. */
function choicesOf({ argChoices, description }: Pick<Option, 'argChoices' | 'description'>): readonly string[] {
  return argChoices ?? /^[a-z]+(?:, [a-z]+)* or [a-z]+(?= \(|$)/.exec(description)?.[0].split(/, | or /) ?? []
}

function commandWords(command: Command): readonly Candidate[] {
  return new Help().visibleCommands(command).map((each) => ({ word: each.name(), means: each.summary() }))
}

function optionWords(command: Command): readonly Candidate[] {
  return optionsOf(command).flatMap(({ long, short, description }) => {
    const word = long ?? short
    return word === undefined ? [] : [{ word, means: description }]
  })
}

function lastVariadic(command: Command) {
  const last = command.registeredArguments.at(-1)
  return last?.variadic === true ? last : undefined
}

function plain(words: readonly string[]): readonly Candidate[] {
  return [...new Set(words)].map((word) => ({ word, means: '' }))
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, ' ').trim()
}
