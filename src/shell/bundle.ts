import { known, type Reading, unknown } from '../model/reading.ts'
import { lines, type Script, sh } from './script.ts'

/** One question among many. */
export type Probe = {
  readonly name: string
  readonly probe: Script
  /** The cap on its output; `'own'`: its text bounds itself, which saves a process. */
  readonly bytes?: number | 'own'
  /** A test that prints nothing; where it fails the answer is empty, with code 0. */
  readonly onlyIf?: Script
}

/** What one probe printed, byte for byte as far as it is UTF-8, and how it ended. */
export type Section = {
  /** Exit code; 141 is usual for a probe whose output was cut. */
  readonly code: number
  readonly output: string
  /** `output` is only the beginning. May be wrongly true near the cap where the output is not UTF-8, never wrongly false. */
  readonly truncated: boolean
}

/**
 * Many probes in one script and one trip. Each runs in a subshell with nothing on stdin and stderr dropped, between
 * markers that hold a nonce which the script gets as `$1`: what a probe prints cannot pass for a marker.
 * @param limits `bytes` is the cap on the output of each probe that names none of its own.
 */
export function bundle(probes: readonly Probe[], limits: { readonly bytes: number }): Script {
  return lines(sh`exec 4>&1`, ...probes.map((probe) => section(probe, probe.bytes ?? limits.bytes)))
}

/**
 * Cuts what a bundle printed into its sections again. Total: a section that is not there whole is an unknown with its cause.
 * @param nonce the `$1` that the script was given; letters and digits.
 */
export function unbundle(
  output: string,
  nonce: string,
  names: readonly string[],
): ReadonlyMap<string, Reading<Section>> {
  return new Map(names.map((name) => [name, sectionIn(output, nonce, name)]))
}

// The probe is a function, so that the command substitution around it holds none of its text: old bash miscounts the
// parentheses of `case` in there. The exit code travels past `head` on descriptor 3, and is printed when `head` is done.
function section({ name, probe, onlyIf }: Probe, bytes: number | 'own'): Script {
  const word = nameWord(name)
  const begin = sh`printf '%s begin %s %s\n' "$1" ${word} ${bytes}
probe() {
:
${probe}
}`
  const end = sh`printf '\n%s end %s %s\n' "$1" ${word} "$code"`
  const ask =
    bytes === 'own'
      ? sh`(probe) </dev/null 2>/dev/null 4>&-; code=$?`
      : sh`code=$({ { (probe) </dev/null 2>/dev/null 3>&- 4>&-; printf %s "$?" >&3; } | head -c ${bytes + 1} >&4; } 3>&1)`
  return lines(begin, onlyIf === undefined ? ask : sh`code=0; if ${onlyIf}; then ${ask}; fi`, end)
}

function sectionIn(output: string, nonce: string, name: string): Reading<Section> {
  const missing = unknown(`the host's answer has no section ${nameWord(name)}`)
  if (!/^[A-Za-z0-9]+$/.test(nonce)) return missing
  const opening = `${nonce} begin ${nameWord(name)} `
  const found = output.indexOf(opening)
  const start = found === -1 ? -1 : output.indexOf('\n', found) + 1
  if (start < 1) return missing
  const ending = `\n${nonce} end ${nameWord(name)} `
  const end = output.indexOf(ending, start)
  const code = end === -1 ? null : /^(\d{1,3})\n/.exec(output.slice(end + ending.length, end + ending.length + 8))
  if (code === null) return unknown(`the host's answer ends inside section ${nameWord(name)}`)
  const cap = Number(output.slice(found + opening.length, start - 1))
  return known(cut(output.slice(start, end), Number(code[1]), cap))
}

/** @param cap NaN where the probe bounds itself. */
function cut(output: string, code: number, cap: number): Section {
  // A stray byte becomes a character of three bytes, so the length in UTF-8 is never below the length on the host.
  const truncated = output.length * 3 > cap && new TextEncoder().encode(output).length > cap
  return { code, output: truncated ? output.slice(0, cap) : output, truncated }
}

/** A name on one line, whatever it holds. */
function nameWord(name: string): string {
  return JSON.stringify(name)
}
