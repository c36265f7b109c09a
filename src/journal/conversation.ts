import { lines, type Script, sh } from '../shell/script.ts'
import { GROUND } from './ground.ts'
import { ROOT } from './transaction.ts'

/** What the controller sends to a host about one transaction. Each is one trip; the transaction's id is $1. */

const UNDO_BY_HAND = sh`#!/bin/sh
# Takes this transaction back, with nothing but this host.
case $0 in */*) cd "\${0%/*}" || exit 1 ;; esac
sh ./transaction undo
last=$(sed -n '$p' journal)
case $last in
  *' rolled-back') printf 'All that transaction %s changed is taken back.\n' "\${PWD##*/}" ;;
  *)
    printf 'Transaction %s is not taken back whole, its journal ends with: %s\n' "\${PWD##*/}" "$last"
    printf 'Next: cat %s/journal, mend what it names, then the same again: sh %s/undo\n' "$PWD" "$PWD"
    exit 1
    ;;
esac
`

/** Exit code where the directory is a link, or others than root may write to it: nothing of it is run. */
export const NOT_OURS = 9

const GUARD = sh`if [ -e ${ROOT} ] || [ -L ${ROOT} ]; then
  case $(ls -ldn ${ROOT} | sed 's/^\([^ ]*\)  *[^ ]*  *\([^ ]*\) .*/\1 \2/') in
    d????-??-?*" $(id -u)") ;;
    *) exit ${String(NOT_OURS)} ;;
  esac
fi`

const FOLLOW = sh`dir=${ROOT}/$1
follow() {
  shown=$1 left=$(($2 * 4))
  while [ "$left" -gt 0 ]; do
    count=0
    while IFS= read -r line; do
      count=$((count + 1))
      if [ "$count" -gt "$shown" ]; then
        shown=$count
        printf '%s\n' "$line" || exit 1
        # Only as the word of a record: what a tool said may hold any of them.
        case "\${line#* } " in 'refused '* | 'applied '* | 'committed '* | 'rolled-back '* | 'needs-hands '*) exit 0 ;; esac
      fi
    done < "$dir/journal"
    sleep 0.25 2> /dev/null || { sleep 1; left=$((left - 3)); }
    left=$((left - 1))
  done
  exit 5
}`

/** Beside a transaction that was closed before it began: whoever launches it late finds it and lets it be. */
const NEVER = 'never'

/**
 * Begins a transaction. Ends when it waits for the confirmation or has ended; with 6 when there was no room for it, with 8
 * when it was closed before it began.
 * - `$2` seconds the changes may take; `$3` seconds to wait for the confirmation; `$4` seconds to keep the change, 0 for good
 * - `$5` who asked, in one line; `$6` what it is about (see `about.ts`)
 */
export function launch(transaction: string): Script {
  return lines(
    GUARD,
    sh`umask 077
if [ -e ${ROOT}/"$1" ]; then exit 8; fi
mkdir -p ${ROOT} && mkdir ${ROOT}/"$1" ${ROOT}/"$1"/undecided || exit 6`,
    FOLLOW,
    sh`if ! { printf '%s\n' "\${4:-0}" > "$dir/keep" && printf '%s\n' "\${5:-}" > "$dir/asked" && printf '%s\n' "\${6:-}" > "$dir/about" &&
  printf '%s' ${UNDO_BY_HAND.text} > "$dir/undo" && : > "$dir/journal" && printf '%s' ${transaction} > "$dir/transaction.new" &&
  dd if=/dev/zero of="$dir/reserve" bs=4096 count=8 2> /dev/null; }; then
  rm -rf "$dir"
  rmdir ${ROOT} 2> /dev/null
  exit 6
fi
for each in keep asked about undo transaction.new; do dd if=/dev/null of="$dir/$each" conv=notrunc,fsync 2> /dev/null; done
mv "$dir/transaction.new" "$dir/transaction" || exit 6
sh "$dir/transaction" start run "$2" "$3"
follow 0 "$(($2 + 30))"`,
  )
}

/** Picks up a transaction whose link was lost. $2: journal lines already seen; $3: seconds to wait. */
export const FOLLOW_ON: Script = lines(
  GUARD,
  FOLLOW,
  sh`[ -e "$dir/journal" ] || exit 7
follow "$2" "$3"`,
)

/** $2: journal lines already seen, or `all` of what is there, whose number is then said first; $3: `confirm`, `abort`, `settle` or `undo`. */
export const DECIDE: Script = lines(
  GUARD,
  FOLLOW,
  sh`[ -e "$dir/transaction" ] || exit 7
seen=$2
if [ "$seen" = all ]; then
  seen=$(grep -c '' "$dir/journal")
  printf '# %s\n' "$seen"
fi
sh "$dir/transaction" start "$3"
follow "$seen" 120`,
)

/**
 * Tells how a transaction stands after its controller was gone: the journal, between `# journal` and `# end`; or `# never`:
 * it had not begun, and from now on it cannot.
 */
export const ASK: Script = lines(
  GUARD,
  sh`umask 077
dir=${ROOT}/$1
if mkdir -p ${ROOT} 2> /dev/null && mkdir "$dir" 2> /dev/null; then
  if : > "$dir/${NEVER}"; then echo '# never'; else rmdir "$dir"; exit 6; fi
elif [ -e "$dir/${NEVER}" ]; then
  echo '# never'
elif [ ! -d "$dir" ]; then
  exit 6
elif [ ! -e "$dir/transaction" ] && { mv "$dir/undecided" "$dir/decision.aborted" 2> /dev/null; sleep 1; [ ! -e "$dir/transaction" ]; }; then
  echo '# never'
else
  sh "$dir/transaction" look-after > /dev/null 2>&1
  echo '# journal'
  cat "$dir/journal"
  echo '# end'
fi`,
)

/**
 * First `# lock ID` where the host is locked. Then every transaction that the host knows of: `# transaction ID`, `# about ...`,
 * `# carried` or `# restarted` where that is so, then its journal. At most 500 of them, the last 200 lines of each journal.
 */
export const LIST: Script = lines(
  GUARD,
  sh`if [ -d ${ROOT}/lock ]; then printf '# lock %s\n' "$(head -n 1 ${ROOT}/lock/holder 2> /dev/null)"; fi
count=0
for dir in ${ROOT}/*; do
  if [ ! -d "$dir" ] || [ "$dir" = ${ROOT}/lock ]; then continue; fi
  case \${dir##*/} in breaking.*) continue ;; esac
  count=$((count + 1))
  if [ "$count" -gt 500 ]; then break; fi
  printf '# transaction %s\n' "\${dir##*/}"
  if [ -s "$dir/about" ]; then printf '# about '; head -n 1 "$dir/about" | head -c 4000; echo; fi
  if [ -e "$dir/${NEVER}" ] || [ ! -e "$dir/transaction" ]; then echo '# never'; continue; fi
  if sh "$dir/transaction" is-carried; then echo '# carried'; fi
  if sh "$dir/transaction" is-restarted; then echo '# restarted'; fi
  sed -e ':more' -e '$q;N;201,$D;b more' "$dir/journal" | sed 's/^#/?/'
done
echo '# end'`,
)

/** Removes what is left of a transaction that took itself back, and our directory when it was the last. */
export const FORGET: Script = lines(
  GUARD,
  sh`rm -rf ${ROOT}/"$1"
rmdir ${ROOT} 2> /dev/null || :`,
)

/**
 * Removes what transactions left that nobody carries: `$1` and on are their ids. What they changed stays as it is; files that
 * were staged and never put in place go. Prints `# removed ID` or `# carried ID` for each, then `# left NAME` for all that is
 * still there.
 */
export const CLEAN: Script = lines(
  GUARD,
  GROUND,
  sh`root=${ROOT} unbegun=
for id; do
  dir=$root/$id
  if [ -d "$dir" ] && [ ! -e "$dir/transaction" ]; then decide aborted; unbegun=yes; fi
done
# One that is still on its way finds that it was closed, or nothing at all. All are waited for at once: there may be hundreds.
if [ -n "$unbegun" ]; then sleep 1; fi
for id; do
  dir=$root/$id
  if [ ! -d "$dir" ]; then continue; fi
  if [ -e "$dir/transaction" ]; then
    if sh "$dir/transaction" is-carried; then printf '# carried %s\n' "$id"; continue; fi
    sh "$dir/transaction" tidy > /dev/null 2>&1
  fi
  rm -rf "$dir" && printf '# removed %s\n' "$id"
done
# A lock whose transaction is no longer here stands for nothing; whoever makes one writes its name at once.
if [ -d "$root/lock" ]; then
  held=$(holder)
  if [ -z "$held" ] || [ ! -d "$root/$held" ]; then
    sleep 2
    if [ "$(holder)" = "$held" ]; then rm -rf "$root/lock"; fi
  fi
fi
for breaking in "$root"/breaking.*; do
  if [ -d "$breaking" ] && ! alive "$breaking/who"; then rm -rf "$breaking"; fi
done
for each in "$root"/*; do
  if [ -e "$each" ]; then printf '# left %s\n' "\${each##*/}"; fi
done
rmdir "$root" 2> /dev/null || :`,
)
