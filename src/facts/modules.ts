import type { Module, ModuleFacts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import { type Fact, linesOf, notUnderstood, readWith } from './fact.ts'

const probe = sh`if [ -e /proc/modules ]; then echo 'modules'; cat /proc/modules && echo 'modules end'
elif [ -e /proc/version ]; then echo 'no modules'; fi
[ -r "/lib/modules/$release/modules.builtin" ] && echo 'builtin'
grep -s -e /netfilter/ -e nf_tables -e '^1$' "/lib/modules/$release/modules.builtin" /proc/sys/kernel/modules_disabled
:`

/** In characters: every module of a distribution at once takes half of it. */
const LONGEST = 1_048_576

const DISABLED = '/proc/sys/kernel/modules_disabled:1'

export const modules: Fact<ModuleFacts> = {
  name: 'modules',
  probes: [{ name: 'modules', probe, bytes: 'own' }],
  parse(sections) {
    const lines = readWith(sections('modules'), ({ code, output }) => {
      if (code !== 0) return unknown(`the probe of the modules ended early, with code ${code}`)
      return output.length > LONGEST ? unknown('the list of modules has no end') : known(linesOf(output, 20_000))
    })
    return {
      loadable: readWith(lines, loadableIn),
      loaded: readWith(lines, loadedIn),
      builtin: readWith(lines, builtinIn),
    }
  },
}

function loadableIn(lines: readonly string[]): Reading<boolean> {
  if (lines[0] !== 'modules' && lines[0] !== 'no modules') return unknown('/proc could not be read')
  return known(lines[0] === 'modules' && !lines.includes(DISABLED))
}

function loadedIn(lines: readonly string[]): ModuleFacts['loaded'] {
  if (lines[0] === 'no modules') return known([])
  const end = lines.indexOf('modules end')
  if (end === -1) return unknown('/proc/modules could not be read')
  const listed = joined(lines.slice(1, end)).filter((line) => line.trim() !== '' && !HEADING.test(line))
  const loaded = listed.map((line) => moduleIn(line) ?? line)
  const odd = loaded.find((module) => typeof module === 'string')
  // Whoever is missing from the list may hold the others.
  return odd === undefined
    ? known(loaded.filter((module) => typeof module !== 'string'))
    : notUnderstood('a line of /proc/modules', odd)
}

/** lsmod prints the same columns below it. */
const HEADING = /^\s*Module +Size +Used by/

function builtinIn(lines: readonly string[]): Reading<readonly string[]> {
  const start = lines.lastIndexOf('builtin')
  if (start === -1) return unknown('/lib/modules has no modules.builtin for this kernel')
  const names = lines.slice(start + 1).map((line) => /([\w-]{1,64})\.ko$/.exec(line)?.[1]?.replaceAll('-', '_'))
  return known(names.filter((name) => name !== undefined))
}

/** Linux 2.4 puts holders in brackets and breaks the line between them. */
function joined(lines: readonly string[]): readonly string[] {
  const whole: string[] = []
  for (const line of lines) {
    const last = whole.at(-1)
    const open = last?.includes('[') && !last.includes(']') && last.length < 2000
    if (open) whole[whole.length - 1] = `${last} ${line}`
    else whole.push(line)
  }
  return whole
}

/** `name size references holders, state address`; 2.4: `name size references (autoclean) [holders]`. */
function moduleIn(line: string): Module | undefined {
  const match = /^\s*([\w.-]{1,64})\s+\d+\s+(-?\d{1,9}|-)(?:\s+(.*))?$/.exec(line)
  if (match === null) return undefined
  const [, name = '', references = '', more = ''] = match
  const rest = more.replace(/\[permanent\],?/, ' ')
  const bracketed = /\[([^\]]*)\]?/.exec(rest)?.[1]
  const holders = (bracketed ?? rest.split(/\s/, 1)[0] ?? '').split(/[\s,]+/)
  return {
    name: name.replaceAll('-', '_'),
    references: /^\d+$/.test(references) ? Number(references) : null,
    holders: holders
      .filter((holder) => /^[\w.-]{1,64}$/.test(holder) && holder !== '-')
      .map((holder) => holder.replaceAll('-', '_')),
  }
}
