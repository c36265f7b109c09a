import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { couldPass, type Judged, MOST_NEEDLESS, SAYS } from './verdicts.ts'

/** The confusion table, what counts, and each row that is wrong. @param at the folder, for the lines that rules stand in. */
export function reportOf(at: string, judged: readonly Judged[]): string {
  const unsafe = judged.filter(({ unsafe }) => unsafe !== null)
  const needless = judged.filter(({ needless }) => needless)
  const excused = judged.filter(({ cause }) => cause !== null)
  const of = couldPass(judged).length
  return [
    ...confusion(judged),
    '',
    `UNSAFE: ${unsafe.length} of ${judged.length} (ctfleet says safe and packets say otherwise; must be 0)`,
    `needless refusals: ${needless.length} of ${of}, ${percent(needless.length, of)} (aim: at most ${MOST_NEEDLESS * 100} %)`,
    `refused, and the rules give cause: ${excused.length}`,
    ...speed(judged),
    ...rows('unsafe', at, unsafe),
    ...rows('needless', at, needless),
    ...rows('with cause', at, excused),
    '',
  ].join('\n')
}

function confusion(judged: readonly Judged[]): readonly string[] {
  const names = [...new Set(judged.map(packetsSaid))].sort()
  const counts = names.map((name) => {
    const mine = judged.filter((each) => packetsSaid(each) === name)
    return [name, ...SAYS.map((says) => mine.filter((each) => each.says === says).length)]
  })
  const total = ['all', ...SAYS.map((says) => judged.filter((each) => each.says === says).length)]
  const table = [['packets said', ...SAYS], ...counts, total].map((cells) => cells.map(String))
  const widths = ['packets said', ...SAYS].map((_, column) =>
    Math.max(...table.map((cells) => (cells[column] as string).length)),
  )
  return table.map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
      )
      .join('  '),
  )
}

function packetsSaid({ label }: Judged): string {
  return label.natCovers === null ? label.verdict : 'nat covers'
}

function speed(judged: readonly Judged[]): readonly string[] {
  const sets = new Map<string, number>()
  for (const { label, cpuMs } of judged) {
    const key = `${label.file} (${label.family})`
    sets.set(key, (sets.get(key) ?? 0) + cpuMs)
  }
  const total = judged.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  const slowest = [...sets].sort(([, a], [, b]) => b - a).slice(0, 3)
  const each = (count: number) => (count === 0 ? 0 : Math.round(total / count))
  return [
    `CPU time: ${(total / 1000).toFixed(1)} s; ${sets.size} rule sets of ${each(sets.size)} ms each, ${judged.length} ports of ${each(judged.length)} ms each`,
    ...slowest.map(([name, ms]) => `${String(Math.round(ms)).padStart(7)} ms  ${name}`),
  ]
}

function rows(title: string, at: string, judged: readonly Judged[]): readonly string[] {
  return judged.flatMap(({ label, says, why, rule, unsafe, cause }) => [
    '',
    `${title}: labels.tsv:${label.line} ${label.file} ${label.family} port ${label.port} (${label.verdict})`,
    `  ctfleet: ${says}${why === '' ? '' : `: ${why}`}`,
    ...(rule === null ? [] : [`  rule: ${whereIs(at, label.file, rule)}${rule}`]),
    ...(unsafe === null ? [] : [`  packets: ${unsafe}`]),
    ...(cause === null ? [] : [`  cause: ${cause}`]),
  ])
}

/** `file:line ` of a rule that reads `filter: -A INPUT …`, where it stands so in the file. */
function whereIs(at: string, file: string, rule: string): string {
  const words = /: (-A .*)$/.exec(rule)?.[1] ?? ''
  const lines = readFileSync(join(at, file), 'utf8').split('\n')
  const index = words === '' ? -1 : lines.findIndex((line) => line.trim().endsWith(words))
  return index === -1 ? '' : `${file}:${index + 1} `
}

function percent(part: number, all: number): string {
  return `${all === 0 ? 0 : ((100 * part) / all).toFixed(1)} %`
}
