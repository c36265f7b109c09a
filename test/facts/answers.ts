import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { FACTS } from '../../src/facts/catalog.ts'
import type { Sections } from '../../src/facts/fact.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { type Section, unbundle } from '../../src/shell/bundle.ts'
import { corpus, filesBelow, textOf } from '../firewall/corpus.ts'

const CASES = resolve(import.meta.dirname, '../cases/facts')

/** The nonce in every recorded answer. */
export const NONCE = 'recorded'

/** Every recorded answer of a host, with the facts that it holds. */
export function recordedAnswers(): readonly { system: string; answer: string; facts: unknown }[] {
  const systems = readdirSync(CASES, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return systems.map(({ name }) => ({
    system: name,
    answer: readFileSync(join(CASES, name, 'answer.txt'), 'utf8'),
    facts: JSON.parse(readFileSync(join(CASES, name, 'facts.json'), 'utf8')),
  }))
}

/** What a fact is given when these probes answered so and no other did. */
export function answers(given: Readonly<Record<string, string | Partial<Section>>>): Sections {
  return (name) => {
    const answer = given[name]
    if (answer === undefined) return unknown(`no answer from ${name}`)
    return known({
      code: 0,
      output: '',
      truncated: false,
      ...(typeof answer === 'string' ? { output: answer } : answer),
    })
  }
}

export const NO_CORPUS = 'no public listings at hand: set CTFLEET_CORPUS to a folder with labels.tsv and 04-kernel'

/** Files of public hosts that this project does not hold, by their path in the corpus; undefined where they are not at hand. */
export function corpusFiles(folder: string): ReadonlyMap<string, string> | undefined {
  const at = corpus
  if (at === null || !existsSync(join(at, folder))) return undefined
  return new Map(filesBelow(at, folder).map((path) => [path, textOf(at, path)]))
}

/** The answer to each probe of an answer as a whole, as far as it is there. */
export function sectionsOf(answer: string): ReadonlyMap<string, string> {
  const names = FACTS.flatMap(({ probes }) => probes.map(({ name }) => name))
  return new Map(
    [...unbundle(answer, NONCE, names)].flatMap(([name, section]) =>
      section.known ? [[name, section.value.output] as const] : [],
    ),
  )
}
