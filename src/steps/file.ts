import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

type Want = { readonly path: string; readonly content?: string | undefined; readonly comment_out?: string | undefined }
type State =
  | { readonly file: 'absent'; readonly directory: 'present' | 'absent' }
  | { readonly file: 'present'; readonly mode: string; readonly owner: string; readonly text: string }

/** The longest file that a plan takes in whole, in bytes. */
const LIMIT = 65536

/** One small text file: its whole content, or one variable's lines commented out. */
export const file: StepKindSpec<Want, State> = {
  kind: 'file',
  summary: 'writes a small file, or comments out the lines that set a variable',
  phase: 'persist',
  want: z
    .strictObject({
      path: z
        .string()
        .regex(/^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._@-]+)+$/, 'expected an absolute path without special characters'),
      content: z.string().refine(isPlainText, `expected text in UTF-8 of at most ${LIMIT} bytes`).optional(),
      comment_out: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable')
        .optional(),
    })
    .refine((want) => (want.content === undefined) !== (want.comment_out === undefined), {
      message: 'expected either content or comment_out',
    }),
  title: ({ path, comment_out }) =>
    comment_out === undefined ? `write ${path}` : `comment out ${comment_out} in ${path}`,
  // The dot at the end keeps trailing newlines apart from none.
  probe: ({ path }) => sh`if [ -L ${path} ]; then
  echo link
elif [ -f ${path} ]; then
  printf 'present '
  stat -c '%a %u:%g' ${path} 2> /dev/null || echo '? ?'
  head -c ${LIMIT + 1} -- ${path}
  printf '.'
elif [ -e ${path} ]; then
  echo other
elif [ -d ${directoryOf(path)} ]; then
  echo absent
elif [ -d ${directoryOf(directoryOf(path))} ]; then
  echo absent with its directory
else
  echo nowhere
fi`,
  read(probed, { path }) {
    if (probed === 'absent\n') return known({ file: 'absent', directory: 'present' })
    if (probed === 'absent with its directory\n') return known({ file: 'absent', directory: 'absent' })
    if (probed === 'nowhere\n') return unknown(`the directory above ${directoryOf(path)} is not there`)
    if (probed === 'link\n') return unknown(`${path} is a symbolic link; ctfleet does not write through one`)
    const [, mode, owner, text] = /^present ([0-7]{3,4}|\?) (\d+:\d+|\?)\n([\s\S]*)\.$/.exec(probed) ?? []
    if (mode === undefined || owner === undefined || text === undefined) return unknown(`${path} is not a plain file`)
    if (Buffer.byteLength(text) > LIMIT) return unknown(`${path} is longer than ${LIMIT} bytes`)
    if (text.includes('\uFFFD') || text.includes('\0')) return unknown(`${path} is not a text file in UTF-8`)
    return known({ file: 'present', mode, owner, text })
  },
  goal(now, want) {
    if (want.content !== undefined) {
      if (now.file === 'absent') return { file: 'present', mode: '644', owner: '0:0', text: want.content }
      return { ...now, text: want.content }
    }
    if (now.file === 'absent') return now
    const variable = want.comment_out ?? ''
    const goesOn = now.text.split('\n').some((row) => sets(row, variable) && goesOnBelow(row))
    if (goesOn)
      return { impossible: `${variable} in ${want.path} goes on over several lines; ctfleet comments out only one` }
    return { ...now, text: commentedOut(now.text, variable) }
  },
  transition(from, to, { path }) {
    if (to.file === 'absent') {
      const gone = sh`rm -f -- ${path} || exit 1`
      // A directory that was not there goes again after the last file in it.
      return to.directory === 'present' ? gone : lines(gone, sh`rmdir -- ${directoryOf(path)} 2> /dev/null || :`)
    }
    if (to.mode === '?')
      return { impossible: `the mode of ${path} is not readable (no stat on the host), so it could not be kept` }
    if (!isPlainMode(to.mode) || to.owner !== '0:0') {
      return {
        impossible: `${path} has mode ${to.mode} and owner ${to.owner}; ctfleet writes only plain files of root`,
      }
    }
    const place = stagedFor(path, from)
    return lines(
      // What lies there may have been staged for the other direction.
      sh`[ -d ${directoryOf(path)} ] || ( umask 0022; mkdir -- ${directoryOf(path)} ) || exit 1
[ -f ${place} ] && [ "$(cat -- ${place} 2> /dev/null; printf .)" = ${`${to.text}.`} ] || (`,
      write(place, to.mode, to.text),
      sh`) || exit 1
# Under SELinux a file keeps its label over a rename, and a service may not read one of the wrong kind.
[ ! -f ${path} ] || chcon --reference=${path} -- ${place} 2> /dev/null || :
mv -f -- ${place} ${path} || exit 1`,
      from.file === 'present' ? sh`:` : sh`restorecon -- ${path} 2> /dev/null || :`,
    )
  },
  stage(from, to, { path }) {
    const place = stagedFor(path, from)
    const unstage = sh`rm -f -- ${place}`
    if (to.file === 'absent' || !isPlainMode(to.mode)) return { stage: sh`:`, unstage }
    return { stage: write(place, to.mode, to.text), unstage }
  },
  show: (state) => (state.file === 'absent' ? ['(no such file)'] : state.text.split('\n').slice(0, -1)),
}

function isPlainText(text: string): boolean {
  const bytes = Buffer.from(text)
  return bytes.length <= LIMIT && !bytes.includes(0) && bytes.toString() === text
}

function directoryOf(path: string): string {
  return path.replace(/\/[^/]*$/, '') || '/'
}

/** Beside its target; where that has no directory yet, beside the directory, as making it would be a change. */
function stagedFor(path: string, from: State): string {
  const place = from.file === 'absent' && from.directory === 'absent' ? path.replace(/\/([^/]*)$/, '.$1') : path
  return `${place}.ctfleet-staged`
}

/** Modes that a umask alone can make: no execute bits, no set-id bits. */
function isPlainMode(mode: string): boolean {
  return /^0?[0246]{3}$/.test(mode)
}

function write(place: string, mode: string, text: string): Script {
  const umask = (0o777 & ~Number.parseInt(mode, 8)).toString(8).padStart(4, '0')
  return sh`umask ${umask}
rm -f -- ${place}
printf '%s' ${text} > ${place} || exit 1
dd if=/dev/null of=${place} conv=notrunc,fsync 2> /dev/null || :`
}

function sets(row: string, variable: string): boolean {
  return row.trimStart().startsWith(`${variable}=`)
}

/** A shell line that ends inside quotes or on a backslash. */
function goesOnBelow(row: string): boolean {
  const rest = row.replace(/\\.|'[^']*'|"(?:[^"\\]|\\.)*"|#.*$/g, '')
  return /['"\\]/.test(rest)
}

function commentedOut(text: string, variable: string): string {
  return text.replace(new RegExp(`^([ \\t]*)(${variable}=)`, 'gm'), '$1#$2')
}
