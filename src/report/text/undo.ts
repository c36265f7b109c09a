import { directoryOf } from '../../journal/transaction.ts'
import type { Change } from '../../model/change.ts'
import { approvedScript, lines, type Script, sh } from '../../shell/script.ts'
import { type Paper, paragraph, verbatim, visible } from '../format.ts'

/**
 * What takes a transaction back on its host with nothing but a shell, as a script: run from a file or pasted as it stands, it
 * ends no shell but its own. Each change by itself, the last one first, as the transaction there does it; but unlike that one
 * it knows nothing of what the host's journal says.
 */
export function undoText(paper: Paper, changes: readonly Change[], transaction: string): readonly string[] {
  return [
    '#!/bin/sh',
    ...paragraph(
      paper,
      '# ',
      { tone: 'strong', text: `Undo of transaction ${transaction}` },
      ', the last change first, as the record has it. Where the host still has its own, use that one, which also leaves alone what somebody changed since:',
    ),
    `#   sh ${directoryOf(transaction)}/undo`,
    ...rows(HEAD),
    ...changes
      .map((change, at) => ({ change, number: at + 1 }))
      .reverse()
      .flatMap(({ change, number }) => [
        ...verbatim(paper, { first: '', rest: '#    ' }, `# ${number}. ${change.title}`, 'faint'),
        ...rows(undoOf(change, number)),
      ]),
    ...rows(FOOT),
  ]
}

const HEAD = sh`(
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
LC_ALL=C
export PATH LC_ALL
trap '' HUP
umask 077
cd /
failed=0 rules_stand=no
stays() {
  printf '%s was not taken back: %s\n' "$1" "$2" >&2
  failed=1
}`

const FOOT = sh`exit "$failed"
)`

function undoOf({ kind, title, undo, unstage }: Change, number: number): Script {
  const name = `undo_${number}`
  const named = `${number}. ${visible(title)}`
  const takeBack = sh`( ${approvedScript(name)} ) < /dev/null`
  return lines(
    approvedScript(`${name}() {`),
    body(undo),
    sh`}`,
    // Accepts for untracked packets may go only once nothing leaves packets untracked.
    kind === 'firewall'
      ? sh`if [ "$rules_stand" = yes ]; then stays ${named} 'rules made after it still stand'
elif ! ${takeBack}; then stays ${named} 'see above'; rules_stand=yes
fi`
      : sh`${takeBack} || stays ${named} 'see above'`,
    ...(unstage.trim() === ''
      ? []
      : [sh`(`, body(unstage), sh`) < /dev/null || stays ${named} 'what was made ready beside the file'`]),
  )
}

/** As it stands; where it holds what a terminal would obey or nobody would see, such lines are spelt in octal. */
function body(text: string): Script {
  if (text.trim() === '') return sh`:`
  const all = text.split('\n')
  if (all.every((row) => visible(row) === row)) return approvedScript(text)
  return lines(
    sh`eval "$(`,
    ...all.map((row) => sh`printf '%b\n' ${visible(row) === row ? row.replaceAll('\\', '\\\\') : octal(row)}`),
    sh`)"`,
  )
}

/** For the `%b` of printf. */
function octal(row: string): string {
  return [...Buffer.from(row)]
    .map((byte) => {
      const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      return isPlain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`
    })
    .join('')
}

function rows({ text }: Script): readonly string[] {
  return text.split('\n')
}
