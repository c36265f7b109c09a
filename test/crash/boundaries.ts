/**
 * A transaction's script with a place to strike at before and after everything that it writes: each record of its journal, and
 * each change's stage, apply, undo and unstage. Nothing else of it is changed: the functions keep their bytes under another name.
 *
 * Where a file `at` holds a boundary's name, the shell text in `fault` runs there, once.
 */
export const STRIKE_DIR = '/run/crash'

const WRAPPED = /^(?:say|(?:stage|apply|undo|unstage)_\d+)\(\) \{\n(?!:\n\})/gm

/** @throws where the script has no `say`: then nothing would be struck at, and every case would pass. */
export function withBoundaries(script: string): string {
  const names = [...script.matchAll(WRAPPED)].map(([found]) => found.slice(0, found.indexOf('(')))
  if (!names.includes('say') || new Set(names).size !== names.length)
    throw new Error(`expected one say and each function once, found ${names.join(' ')}`)
  const renamed = script.replace(WRAPPED, (found) => `inner_${found}`)
  const [first = '', ...rest] = renamed.split('\n')
  return [first, BOUNDARY, ...names.map((name) => (name === 'say' ? SAY : around(name))), ...rest].join('\n')
}

// No command but the shell's own, or hundreds of cases would wait for the boundaries that they only pass.
const BOUNDARY = `boundary_verb=$1
case $0 in */*) crash_dir=\${0%/*} ;; *) crash_dir=. ;; esac
boundary() {
  [ -d ${STRIKE_DIR} ] || return 0
  printf '%s %s\\n' "$boundary_verb" "$1" >> ${STRIKE_DIR}/trace
  { IFS= read -r boundary_at < ${STRIKE_DIR}/at; } 2> /dev/null
  [ "$boundary_verb $1" = "$boundary_at" ] || return 0
  mkdir ${STRIKE_DIR}/struck 2> /dev/null || return 0
  . ${STRIKE_DIR}/fault
}`

const SAY = `say() {
  boundary_said="$*"
  boundary_word=\${boundary_said%% *}
  boundary_said=\${boundary_said#"$boundary_word"}
  boundary_said=\${boundary_said# }
  case \${boundary_said%% *} in
    '' | *[!0-9]*) ;;
    *) boundary_word="$boundary_word \${boundary_said%% *}" ;;
  esac
  boundary "before $boundary_word"
  inner_say "$@"
  set -- "$?"
  boundary "after $boundary_word"
  return "$1"
}`

function around(name: string): string {
  const words = name.replace('_', ' ')
  // In a subshell, as a text may end with exit.
  return `${name}() {
  boundary "before ${words}"
  ( inner_${name} )
  set -- "$?"
  boundary "after ${words}"
  return "$1"
}`
}
