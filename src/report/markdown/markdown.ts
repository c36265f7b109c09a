import { grouped } from '../../diagnosis/numbers.ts'
import type { ChangeTold } from '../../model/review.ts'
import { shortened, visible } from '../format.ts'

/**
 * Text as Markdown shows it: nothing in it is markup, a link, a mention or an entity, in CommonMark and as GitHub extends it.
 * What cannot be seen is spelt.
 */
export function prose(text: string): string {
  return visible(text)
    .replace(/[\\`*_[\]<>|~&#@$]/g, '\\$&')
    .replace(/:(?=\/\/|[\w+-]+:)|(?<=\bmailto|\bxmpp):|(?<=\bwww)\./gi, '\\$&')
    .replace(/^[-+=]|^(\d{1,9})(?=[.)])/, (found, digits?: string) =>
      digits === undefined ? `\\${found}` : `${digits}\\`,
    )
}

/** What a host is called or has, as code: no link and no mention even where `prose` would leave one to the channel's own reading. */
export function code(text: string): string {
  const seen = visible(text)
  // In a table readers differ in whether the bar of `\\|` in code ends its cell; in prose they agree.
  if (seen.includes('\\|')) return prose(text)
  const fence = '`'.repeat(longestRun(seen) + 1)
  // One space at each end goes away again, where a backtick or a space would stand at the fence.
  const pad = seen === '' || /^[` ]|[` ]$/.test(seen) ? ' ' : ''
  return `${fence}${pad}${seen}${pad}${fence}`
}

/** A cell of a table: a bar in it would begin the next one, in code too. */
export function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, '\\|')).join(' | ')} |`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return rows.length === 0 ? [] : [row(head), row(head.map(() => '---')), ...rows.map(row), '']
}

/** A part with its heading; nothing where nothing is in it. */
export function part(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines, ...(lines.at(-1) === '' ? [] : [''])]
}

/** Names shown of a group of hosts; a channel is no place for five thousand. */
export const MOST_NAMES = 20

/** Of a group of hosts the first ones. */
export function names(hosts: readonly string[]): string {
  const shown = hosts.slice(0, MOST_NAMES).map(code).join(', ')
  return hosts.length > MOST_NAMES ? `${shown} and ${grouped(hosts.length - MOST_NAMES)} more` : shown
}

/** In UTC, to the minute. @param at RFC 3339, UTC */
export function moment(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`
}

/** Lines as they are. @param language `diff`, or none */
export function fenced(language: string, lines: readonly string[]): readonly string[] {
  const seen = lines.map((line) => visible(shortened(line)))
  const fence = '`'.repeat(seen.reduce((longest, line) => Math.max(longest, longestRun(line) + 1), 3))
  return [`${fence}${language}`, ...seen, fence]
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, { length }) => Math.max(longest, length), 0)
}

/** A change with its diff, numbered from 1. @param written how its texts are escaped */
export function changeLines({ title, phase, notes, diff }: ChangeTold, at: number, written = prose): readonly string[] {
  return [
    `**${at + 1}.** ${written(title)}${phase === 'persist' ? ' (kept over a reboot)' : ''}`,
    '',
    ...fenced(
      'diff',
      diff.map(({ sign, text }) => (sign === '@' ? text : `${sign} ${text}`)),
    ),
    '',
    ...notes.map((note) => `- ${written(note)}`),
    ...(notes.length === 0 ? [] : ['']),
  ]
}
