import { grouped } from '../../diagnosis/numbers.ts'
import type { ListedPlaybook } from '../../playbook/listing.ts'
import type { Playbook, PlaybookStep, Requirement, Template, WantedGate } from '../../playbook/playbook.ts'
import { type Paper, type Piece, paragraph, verbatim } from '../format.ts'
import { bullets, section } from './parts.ts'

/** Playbooks that can be asked for by name, a paragraph each; one that cannot be read says what is wrong with it first. */
export function playbooksText(
  paper: Paper,
  listed: readonly ListedPlaybook[],
  isJudgedAlways: (name: string) => boolean,
): readonly string[] {
  const width = Math.max(...listed.map(({ name }) => paper.width(name))) + 2
  return listed.flatMap(({ name, file, from, playbook, complaints }) => {
    const first = name.padEnd(width)
    const when = isJudgedAlways(name) ? 'judged for every host' : `only with --strategy ${name}`
    const rest = ' '.repeat(width)
    return [
      ...paragraph(paper, { first, rest }, ...titleOf(playbook, complaints.length)),
      ...paragraph(paper, rest, { tone: 'faint', text: `${from === 'own' ? file : 'comes with ctfleet'}; ${when}` }),
    ]
  })
}

function titleOf(playbook: Playbook | null, mistakes: number): readonly Piece[] {
  if (playbook !== null) return [playbook.title]
  const text = mistakes === 1 ? 'has a mistake' : `has ${grouped(mistakes)} mistakes`
  return [{ tone: 'bad', text }, ', shown by ctfleet playbook check']
}

/** What a playbook asks for, changes and checks, in words, and then its file as it is written. */
export function playbookText(paper: Paper, playbook: Playbook, source: string): readonly string[] {
  const { name, title, about, file, requires, vars, steps, verify } = playbook
  return [
    ...paragraph(paper, { first: '', rest: '  ' }, { tone: 'strong', text: name }, `: ${title}`),
    ...about.split(/\n\s*\n/).flatMap((part) => (part === '' ? [] : paragraph(paper, '  ', part.replace(/\s+/g, ' ')))),
    ...section(paper, 'Requires', requires.length === 0 ? nothing(paper) : bulleted(paper, requires.map(needed))),
    ...section(
      paper,
      'Works out for each host',
      bullets(paper, vars.length === 0 ? [] : [vars.map((each) => each.name).join(', ')]),
    ),
    ...section(paper, 'Changes', bulleted(paper, steps.map(stepPieces))),
    ...section(paper, 'Checked before it is kept', bullets(paper, verify.map(gateWords))),
    ...section(paper, `The file: ${file}`, sourceLines(paper, source)),
  ]
}

function nothing(paper: Paper): readonly string[] {
  return bullets(paper, ['nothing: it fits every host that it is asked for'])
}

function bulleted(paper: Paper, items: readonly (readonly Piece[])[]): readonly string[] {
  return items.flatMap((pieces) => paragraph(paper, { first: '    - ', rest: '      ' }, ...pieces))
}

/** The condition, and what a host is told that does not meet it. */
function needed({ when, otherwise }: Requirement): readonly Piece[] {
  return [{ tone: 'strong', text: inOneLine(when.text) }, ` (else: ${sentenceWords(otherwise)})`]
}

function sentenceWords(sentence: Template): string {
  switch (sentence.type) {
    case 'plain':
      return typeof sentence.value === 'string' ? sentence.value : JSON.stringify(sentence.value)
    case 'computed':
      return /^[\w.]+$/.test(sentence.expression.text.trim())
        ? `the reason in ${sentence.expression.text.trim()}`
        : 'a reason with numbers of the host'
    case 'list':
    case 'map':
      return 'a reason with numbers of the host'
  }
}

function stepPieces({ kind, name, when, want }: PlaybookStep): readonly Piece[] {
  const values = want.type === 'map' ? want.entries.flatMap(([key, value]) => plainly(key, value)) : []
  const what = [kind.kind, ...values].join(' ')
  return [
    ...(name === null ? [] : [{ tone: 'strong', text: name } as const, ': ']),
    what,
    ...(when === null ? [] : [`, where ${inOneLine(when.text)}`]),
  ]
}

/** Values that a person can read at a glance; of a longer one only that it is there. */
function plainly(key: string, value: Template): readonly string[] {
  if (value.type === 'computed') {
    const text = inOneLine(value.expression.text)
    return [`${key}=${text.length <= MOST ? text : '…'}`]
  }
  if (value.type !== 'plain' || typeof value.value === 'object') return [`${key}=…`]
  const text = String(value.value)
  return [`${key}=${text.length <= MOST && !text.includes('\n') ? text : '…'}`]
}

/** Characters. */
const MOST = 60

function gateWords(gate: WantedGate): string {
  switch (gate.gate) {
    case 'reads-back':
      return 'reads-back: every change reads back as planned'
    case 'login':
      return 'login: a new login works'
    case 'ports':
      return gate.ports === null
        ? 'ports: the ports that answered before still answer'
        : `ports: of ${gate.ports.join(', ')} those that answered before still answer`
    case 'drops':
    case 'invalid': {
      const what = gate.gate === 'drops' ? 'dropped for want of room' : 'INVALID'
      const most = gate.mostPerSecond === null ? 'as many as the plan says' : `${gate.mostPerSecond} a second`
      return `${gate.gate}: within ${gate.withinSeconds} s at most ${most} are ${what}`
    }
  }
}

function inOneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

function sourceLines(paper: Paper, source: string): readonly string[] {
  const lines = source.replace(/\n$/, '').split('\n')
  return lines.flatMap((line) => verbatim(paper, { first: '    ', rest: '      ' }, line))
}
