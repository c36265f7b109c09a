import type { Verdict } from './case.ts'
import { kindOf } from './matrix.ts'

/** The matrix as people read it: how many cases ended exactly before, exactly after, and as neither. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const all = [{ title: 'all', rows: verdicts }]
  return [
    part(
      'fault',
      groupsOf(verdicts, (each) => each.case.fault.name),
    ),
    part(
      'on',
      groupsOf(verdicts, ({ scenario }) => scenario),
    ),
    part(
      'path',
      groupsOf(verdicts, (each) => each.case.path.name),
    ),
    part(
      'boundary',
      groupsOf(verdicts, (each) => kindOf(each.case.boundary)),
    ),
    part('', all),
  ].join('\n')
}

type Group = { readonly title: string; readonly rows: readonly Verdict[] }

function groupsOf(verdicts: readonly Verdict[], by: (verdict: Verdict) => string): readonly Group[] {
  const groups = new Map<string, Verdict[]>()
  for (const each of verdicts) groups.set(by(each), [...(groups.get(by(each)) ?? []), each])
  return [...groups].map(([title, rows]) => ({ title, rows })).toSorted((a, b) => (a.title < b.title ? -1 : 1))
}

function part(title: string, groups: readonly Group[]): string {
  const cells = groups.map(({ title, rows }) => {
    const count = (state: Verdict['state']) => String(rows.filter((each) => each.state === state).length)
    const alone = rows.filter(({ byItself }) => byItself).length
    const hands = rows.filter(({ byHand }) => byHand).length
    const counts = [count('before'), count('after'), count('neither')]
    const numbers = [rows.length, ...counts, alone, rows.length - alone - hands, hands]
    return [title, ...numbers.map(String)]
  })
  const head = [title, 'cases', 'before', 'after', 'neither', 'by itself', 'resumed', 'by hand']
  const width = Math.max(...[head, ...cells].map(([first = '']) => first.length), 46)
  return [head, ...cells]
    .map(([first = '', ...rest]) => `${first.padEnd(width)}${rest.map((cell) => cell.padStart(11)).join('')}\n`)
    .join('')
}
