import { readdirSync, readFileSync } from 'node:fs'

/** A fenced block of a page. */
export type Block = {
  readonly page: string
  /** From 1: that of its first line. */
  readonly line: number
  /** What stands behind the fence: `sh`, `yaml`, or nothing for output. */
  readonly language: string
  readonly text: string
  /** Why no test runs it, as `<!-- not run: … -->` on the line before says; null where one does. */
  readonly notRun: string | null
}

export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
]

export function pageText(page: string): string {
  return readFileSync(page, 'utf8')
}

export function blocksOf(page: string): readonly Block[] {
  const text = pageText(page)
  const fences = text.matchAll(/(?:^<!-- not run: (.+?) -->\n)?^```(\w*)\n(.*?)^```$/gms)
  return [...fences].map(([whole, notRun, language = '', body = ''], at) => {
    const before = text.slice(0, text.indexOf(whole))
    return {
      page,
      line: before.split('\n').length + (notRun === undefined ? 1 : 2) + at * 0,
      language,
      text: body,
      notRun: notRun ?? null,
    }
  })
}

/** Command lines in running text and in tables: `ctfleet plan -o plan.json`. */
export function inlineLines(page: string): readonly string[] {
  const prose = pageText(page).replace(/^```.*?^```$/gms, '')
  return [...prose.matchAll(/`(ctfleet [^`]+)`/g)].map(([, line = '']) =>
    line.replaceAll('\n', ' ').replaceAll('\\|', '|'),
  )
}

/**
 * The words of each call of ctfleet in a line of shell, without what a shell takes for itself: pipes, redirections, comments.
 * Knows quotes and nothing else; that is as much as pages should ask of a reader.
 */
export function callsIn(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]]
  let word: string | null = null
  let quote = ''
  const end = () => {
    if (word !== null) commands.at(-1)?.push(word)
    word = null
  }
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    if (quote !== '') {
      if (character === quote) quote = ''
      else word = (word ?? '') + character
    } else if (character === "'" || character === '"') {
      quote = character
      word ??= ''
    } else if (character === '#' && word === null) break
    else if (/\s/.test(character)) end()
    else if (/[|;&(){}]/.test(character)) {
      end()
      commands.push([])
    } else word = (word ?? '') + character
  }
  end()
  return commands.map(withoutRedirections).flatMap((words) => (words[0] === 'ctfleet' ? [words.slice(1)] : []))
}

function withoutRedirections(words: readonly string[]): readonly string[] {
  return words.filter((word, at) => !/^\d?[<>]/.test(word) && !/^\d?[<>]+$/.test(words[at - 1] ?? ''))
}
