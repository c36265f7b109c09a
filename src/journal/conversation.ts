import { lines, type Script, sh } from '../shell/script.ts'
import { ROOT } from './transaction.ts'

/** What the controller sends to a host about one transaction. Each is one trip; the transaction's id is $1. */

const UNDO_BY_HAND = sh`#!/bin/sh
# Takes this transaction back, with nothing but this host.
case $0 in */*) cd "\${0%/*}" || exit 1 ;; esac
sh ./transaction undo
sed -n '$p' journal
sed -n '$p' journal | grep -q ' rolled-back$'
`

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
        case $line in
          *' refused '* | *' applied' | *' committed' | *' rolled-back' | *' needs-hands') exit 0 ;;
        esac
      fi
    done < "$dir/journal"
    sleep 0.25 2> /dev/null || { sleep 1; left=$((left - 3)); }
    left=$((left - 1))
  done
  exit 5
}`

/** $2: seconds the changes may take; $3: seconds to wait for the confirmation. Ends when the transaction waits for it or has ended. */
export function launch(transaction: string): Script {
  return lines(
    sh`umask 077
mkdir -p ${ROOT} && mkdir ${ROOT}/"$1" ${ROOT}/"$1"/undecided || exit 6`,
    FOLLOW,
    sh`if ! { printf '%s' ${transaction} > "$dir/transaction" && printf '%s' ${UNDO_BY_HAND.text} > "$dir/undo" && : > "$dir/journal" &&
  dd if=/dev/zero of="$dir/reserve" bs=4096 count=8 2> /dev/null; }; then
  rm -rf "$dir"
  rmdir ${ROOT} 2> /dev/null
  exit 6
fi
dd if=/dev/null of="$dir/transaction" conv=notrunc,fsync 2> /dev/null
sh "$dir/transaction" start run "$2" "$3"
follow 0 "$(($2 + 30))"`,
  )
}

/** Picks up a transaction whose link was lost. $2: journal lines already seen; $3: seconds to wait. */
export const FOLLOW_ON: Script = lines(
  FOLLOW,
  sh`[ -e "$dir/journal" ] || exit 7
follow "$2" "$3"`,
)

/** $2: journal lines already seen, or `all` of what is there, whose number is then said first; $3: `confirm`, `abort` or `undo`. */
export const DECIDE: Script = lines(
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

/** Removes what is left of a transaction that took itself back, and our directory when it was the last. */
export const FORGET: Script = sh`rm -rf ${ROOT}/"$1"
rmdir ${ROOT} 2> /dev/null || :`
