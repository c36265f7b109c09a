import { regexMatcher } from '../regex/regex.ts'

/** What a pattern says of one name, and which of those that it fits are meant. */
export type NamePattern = {
  readonly matches: (name: string) => boolean
  /** Of a plain word groups go before hosts; a glob or a regular expression is about both. */
  readonly isPlain: boolean
  /** From 0; negative ones count from the end. Null: all. `last`: null for one alone, `end` for all from there on. */
  readonly subscript: { readonly first: number; readonly last: number | 'end' | null } | null
}

/**
 * Reads one pattern as Ansible does: a name, a glob (`web-*`, `?`, `[abc]`, `[!abc]`), or a regular expression after `~`;
 * the first two may end in a subscript: `web[0]`, `web[-1]`, `web[0:2]`, whose last one is included, `web[2:]`.
 * @returns why not, a clause, where it cannot be read
 */
export function readNamePattern(text: string): NamePattern | { readonly wrong: string } {
  if (text.startsWith('~')) {
    const matches = regexMatcher(text.slice(1))
    return 'wrong' in matches ? matches : { matches, isPlain: false, subscript: null }
  }
  const [, name = text, one, first, last] = /^(.+)\[(?:(-?\d+)|(\d+)[:-](\d*))\]$/s.exec(text) ?? []
  const matches = globMatcher(name)
  if ('wrong' in matches) return matches
  return { matches, isPlain: !/[.?*[]/.test(name), subscript: subscriptOf(one, first, last) }
}

/** Those of a list that a subscript means; undefined where it means one that is not there. */
export function subscripted<T>(items: readonly T[], subscript: NamePattern['subscript']): readonly T[] | undefined {
  if (subscript === null || items.length === 0) return items
  const { first, last } = subscript
  if (last === null) {
    const one = items.at(first)
    return one === undefined ? undefined : [one]
  }
  return items.slice(first, last === 'end' ? undefined : last + 1)
}

function subscriptOf(
  one: string | undefined,
  first: string | undefined,
  last: string | undefined,
): NamePattern['subscript'] {
  if (one !== undefined) return { first: Number(one), last: null }
  return first === undefined ? null : { first: Number(first), last: last === '' ? 'end' : Number(last) }
}

/** `*`, `?`, `[abc]` and `[!abc]`, as in a shell, over the whole name. */
function globMatcher(glob: string): NamePattern['matches'] | { readonly wrong: string } {
  if (!/[*?[]/.test(glob)) return (name) => name === glob
  const source = glob.replaceAll(
    /\[(!?)(\]?[^\]]*)\]|[\s\S]/g,
    (all, negated: string | undefined, set: string | undefined) => {
      if (set !== undefined && set !== '')
        return `[${negated === '!' ? '^' : ''}${set.replaceAll(/[\\\]^[]/g, '\\$&')}]`
      if (all === '*') return '.*'
      return all === '?' ? '.' : all.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    },
  )
  return regexMatcher(`${source.replaceAll(/(?:[.][*])+/g, '.*')}\\Z`)
}
