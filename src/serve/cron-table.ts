import { quote } from '../shell/script.ts'
import { type Job, markOf } from './job.ts'

/** A file for /etc/cron.d: run by root. */
export function cronFileText(job: Job, times: string): string {
  return `${markOf(job.name)}\n${times} root ${commandLine(job)}\n`
}

/** Lines for a table of a user's own. */
export function cronTableLines(job: Job, times: string): readonly string[] {
  return [markOf(job.name), `${times} ${commandLine(job)}`]
}

/** A table without our two lines, and with these in their place, or at the end. What somebody put below our mark is his. */
export function tableWith(table: string, name: string, ours: readonly string[]): string {
  const all = table === '' ? [] : table.replace(/\n$/, '').split('\n')
  const at = all.indexOf(markOf(name))
  const others = at === -1 ? all : all.toSpliced(at, isOurs(all[at + 1] ?? '', name) ? 2 : 1)
  const next = others.toSpliced(at === -1 ? others.length : at, 0, ...ours)
  return next.length === 0 ? '' : `${next.join('\n')}\n`
}

/** Whether a line runs this schedule, as we write it; also one that somebody made a comment of. */
export function isOurs(line: string, name: string): boolean {
  return line.includes(` serve --once --name ${name} `) || line.includes(` serve --once --name ${name};`)
}

/** Bytes that cron takes for a command; a longer one it cuts off, or throws away with the whole table. */
const MOST_BYTES = 998

/** @returns how many bytes the command has, where that is more than cron takes; else null. */
export function tooLong(job: Job): number | null {
  const bytes = Buffer.byteLength(commandLine(job))
  return bytes > MOST_BYTES ? bytes : null
}

/** `%` ends a command for cron, and begins its input. */
function commandLine({ command, directory, home, state, jitter }: Job): string {
  const words = command.map((each) => quote(each)).join(' ')
  const wait = jitter === 0 ? '' : `sleep $(($(od -An -N2 -tu2 /dev/urandom) * ${jitter} / 65536)); `
  const set = `HOME=${quote(home)} CTFLEET_STATE=${quote(state)}`
  return `cd ${quote(directory)} && { ${wait}${set} ${words}; }`.replaceAll('%', '\\%')
}
