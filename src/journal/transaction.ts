import type { Change } from '../model/change.ts'
import type { BoundTo } from '../model/plan.ts'
import { approvedScript, lines, type Script, sh } from '../shell/script.ts'

/** Where transactions live on a host: one directory each, and the lock. */
export const ROOT = '/var/lib/ctfleet'

/** Prints one word for what stdin holds; `cksum` where there is no sha256sum, with the length beside it. */
export const DIGEST: Script = sh`digest() {
  if command -v sha256sum > /dev/null 2>&1; then sha256sum; else cksum; fi | sed -e 's/ *-*$//' -e 's/ /-/g'
}`

/**
 * The one script that carries a transaction on its host: `run`, `switch` (the dead-man's), `confirm`, `abort`, `undo`.
 * Exactly one of confirm, abort, failure and expiry renames `undecided` to `decision`; the others obey it. A rename
 * needs no room on the disk, so a full one cannot keep the host from taking itself back.
 */
export function transactionScript(changes: readonly Change[], boundTo: BoundTo): string {
  const numbered = changes.map((change, index) => ({ change, number: index + 1 }))
  const numbersOf = (phase: Change['phase']) =>
    numbered.filter(({ change }) => change.phase === phase).map(({ number }) => number)
  return lines(
    sh`#!/bin/sh
# A ctfleet transaction. To take it back by hand: sh undo
# The PATH that the facts were read with: the same iptables must answer and act.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
LC_ALL=C
export PATH LC_ALL
trap '' HUP
umask 077
verb=$1
case $0 in */*) dir=$(cd "\${0%/*}" && pwd) ;; *) dir=$(pwd) ;; esac
root=\${dir%/*}
cd /
bound_digest=${boundTo.digest}
runtime_changes=${numbersOf('runtime').join(' ')}
persist_changes=${numbersOf('persist').join(' ')}
all_changes=${numbered.map(({ number }) => number).join(' ')}
backwards=${numbered
      .map(({ number }) => number)
      .reverse()
      .join(' ')}
rule_changes=${numbered
      .filter(({ change }) => change.kind === 'firewall')
      .map(({ number }) => number)
      .join(' ')}
volatile_changes=${numbered
      .filter(({ change }) => change.volatile)
      .map(({ number }) => number)
      .join(' ')}`,
    DIGEST,
    func('bound_probe', boundTo.probe),
    ...numbered.flatMap(({ change, number }) => [
      func(`probe_${number}`, change.volatile ? ':' : change.probe),
      func(`stage_${number}`, change.stage),
      func(`unstage_${number}`, change.unstage),
      func(`apply_${number}`, change.apply),
      func(`undo_${number}`, change.undo),
    ]),
    MACHINERY,
  ).text
}

function func(name: string, body: string): Script {
  return approvedScript(`${name}() {\n${body.trim() === '' ? ':' : body}\n}`)
}

const MACHINERY = sh`
say() {
  printf '%s %s\n' "$(date +%s)" "$*" >> "$dir/journal" || return 1
  dd if=/dev/null of="$dir/journal" conv=notrunc,fsync 2> /dev/null || :
}
# A last word has the reserve to be written in; a change is begun only where there is room without it.
tell() { say "$@" || { rm -f "$dir/reserve"; say "$@"; } ; }
said() { grep -q -E "^[0-9]+ $1( |\$)" "$dir/journal" 2> /dev/null ; }
decide() { mv "$dir/undecided" "$dir/decision" 2> /dev/null && { printf '%s\n' "$1" > "$dir/decision/by" || :; } 2> /dev/null ; }
# Taking back is right where nobody decided at all, as on a disk that can no longer be written.
may_undo() { decide "$1" || [ ! -d "$dir/decision" ] ; }
life() {
  cat /proc/sys/kernel/random/boot_id
  sed 's/.*) //' /proc/1/stat | { read -r a b c d e f g h i j k l m n o p q r s started rest; echo "$started"; }
}
started_at() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | { read -r a b c d e f g h i j k l m n o p q r s started rest; echo "$started"; } ; }
alive() { [ -s "$1" ] && read -r pid since < "$1" && [ "$(started_at "$pid")" = "$since" ] && ! is_dead "$pid" ; }
is_dead() { ! grep -s -q -v ') Z ' "/proc/$1/stat" ; }
enlist() { printf '%s %s\n' "$$" "$(started_at $$)" > "$dir/$1" ; }
# A process and all below it, but never ourselves. Whoever is stopped first starts nothing more; at most 10 s for the last
# of them to be gone, as a command that the kernel is in the middle of still takes effect.
end_tree() {
  killed=
  kill_tree "$1"
  kill -KILL "-$1" 2> /dev/null
  for each in $killed; do
    tries=0
    while ! is_dead "$each" && [ "$tries" -lt 10 ]; do sleep 1; tries=$((tries + 1)); done
  done
}
kill_tree() {
  if [ "$1" = "$$" ]; then return; fi
  kill -STOP "$1" 2> /dev/null
  for child in $(sed -n "s/^\([0-9]*\) (.*) [A-Za-z] $1 .*/\1/p" /proc/[0-9]*/stat 2> /dev/null); do kill_tree "$child"; done
  kill -KILL "$1" 2> /dev/null
  killed="$killed $1"
}
end_others() {
  for other in switch main; do
    if alive "$dir/$other" && [ "$pid" != "$$" ]; then end_tree "$pid"; fi
  done
}

# Apart from the connection that started us: logind may end a session's children, and a lost link must end nobody.
spawn() {
  if [ -d /run/systemd/system ] && command -v systemd-run > /dev/null 2>&1 &&
    systemd-run --quiet --collect --unit="ctfleet-\${dir##*/}-$1" sh "$dir/transaction" "$@" < /dev/null > /dev/null 2>&1; then
    return 0
  fi
  if command -v setsid > /dev/null 2>&1; then
    setsid sh "$dir/transaction" "$@" < /dev/null >> "$dir/log" 2>&1 &
  else
    nohup sh "$dir/transaction" "$@" < /dev/null >> "$dir/log" 2>&1 &
  fi
}

take_lock() {
  if ! mkdir "$root/lock" 2> /dev/null; then
    if [ "$(holder)" = "\${dir##*/}" ]; then return 0; fi
    break_lock || return 1
  fi
  if { printf '%s\n' "\${dir##*/}"; life; } > "$root/lock/holder"; then
    dd if=/dev/null of="$root/lock/holder" conv=notrunc,fsync 2> /dev/null
    return 0
  fi
  rm -rf "$root/lock"
  return 1
}
holder() { head -n 1 "$root/lock/holder" 2> /dev/null ; }
# Takes over a lock from before a restart of the host. One at a time: the second must find the first one's new lock.
break_lock() {
  mkdir "$root/breaking.$(life | digest)" 2> /dev/null || return 1
  broken=no
  held=$(holder)
  # Whoever makes a lock writes its name at once; one without a name was cut short.
  if [ -z "$held" ]; then sleep 2; held=$(holder); fi
  if [ -z "$held" ] || [ "$(sed -n '2,3p' "$root/lock/holder")" != "$(life)" ]; then
    # What that transaction changed at run time is gone, what it staged is dropped.
    if [ -n "$held" ] && [ -e "$root/$held/transaction" ] && ! grep -q ' committed$' "$root/$held/journal"; then
      sh "$root/$held/transaction" undo > /dev/null 2>&1
    fi
    rm -rf "$root/lock"
    mkdir "$root/lock" 2> /dev/null && broken=yes
  fi
  rm -rf "$root"/breaking.*
  [ "$broken" = yes ]
}
drop_lock() {
  if [ "$(holder)" = "\${dir##*/}" ]; then rm -rf "$root/lock"; fi
}

nft_tables() {
  if [ ! -e /proc/modules ] || grep -q '^nf_tables ' /proc/modules; then nft list tables 2> /dev/null | grep -E '^table (ip|ip6) '; fi
}
modules() { sed 's/ .*//' /proc/modules 2> /dev/null ; }
# The first line matches nothing: busybox's grep takes an empty list of patterns for one that matches all.
remember_before() {
  life > "$dir/life" || return 1
  { echo '# before'; modules; echo '# end'; } > "$dir/modules.before" || return 1
  { echo '# before'; nft_tables; echo '# end'; } > "$dir/tables.before" || return 1
  for family in ip ip6; do
    if grep -s -q . "/proc/net/\${family}_tables_names"; then
      tool=\${family}tables
      command -v "$tool-legacy-save" > /dev/null 2>&1 && tool=$tool-legacy
      "$tool-save" > "$dir/rules.before.$family.legacy" 2> /dev/null
    fi
  done
  if grep -q '^table ' "$dir/tables.before"; then nft list ruleset > "$dir/rules.before.nft" 2> /dev/null; fi
  :
}
remember_after() {
  modules | grep -v -x -F -f "$dir/modules.before" > "$dir/modules.brought"
  nft_tables | grep -v -x -F -f "$dir/tables.before" > "$dir/tables.brought"
  :
}

# What our own commands made the kernel bring along goes again where nobody uses it.
sweep() {
  if [ -s "$dir/tables.brought" ]; then
    while read -r word family table; do
      if nft list table "$family" "$table" 2> /dev/null | grep -v -q -E '^table |^	chain |^		type .* policy accept;|^	\}|^\}|^$|^#'; then
        continue
      fi
      nft delete table "$family" "$table" 2> /dev/null
    done < "$dir/tables.brought"
  fi
  [ -s "$dir/modules.brought" ] || return 0
  again=yes
  while [ "$again" = yes ]; do
    again=no
    while read -r module; do
      case $module in
        iptable_* | ip6table_*)
          family=\${module%%table_*} table=\${module#*table_}
          tool=\${family}tables
          command -v "$tool-legacy-save" > /dev/null 2>&1 && tool=$tool-legacy
          if grep -s -q -x "$table" "/proc/net/\${family}_tables_names" && "$tool-save" -t "$table" 2> /dev/null | grep -q '^-A'; then
            continue
          fi ;;
        x_tables | xt_* | ip_tables | ip6_tables | ipt_* | ip6t_* | nf_* | nft_* | nfnetlink* | libcrc32c | crc32c_*) ;;
        *) continue ;;
      esac
      if grep -q "^$module [0-9]* 0 " /proc/modules && rmmod "$module" 2> /dev/null; then again=yes; fi
    done < "$dir/modules.brought"
  done
}

unstage_all() {
  for number in $persist_changes; do ( unstage_$number ) > /dev/null 2>&1; done
}
change() {
  before=$(probe_$1 2> /dev/null | digest)
  say "intend $1 $before" || return 1
  ( apply_$1 ) < /dev/null >> "$dir/log" 2>&1
  code=$?
  if [ "$code" != 0 ]; then
    say "failed $1 exit $code: $(tail_of_log)"
    return 1
  fi
  say "done $1 $(probe_$1 2> /dev/null | digest)"
}
tail_of_log() { sed -n '$p' "$dir/log" 2> /dev/null | sed 's/[^ -~]/?/g' | head -c 200 ; }

# After a restart what was changed at run time is gone, unless a file of ours brought it back.
restarted() { [ -s "$dir/life" ] && [ "$(cat "$dir/life")" != "$(life)" ] ; }
undo_change() {
  before=$(sed -n "s/^[0-9]* intend $1 //p" "$dir/journal" | sed -n '$p')
  after=$(sed -n "s/^[0-9]* done $1 //p" "$dir/journal" | sed -n '$p')
  now=$(probe_$1 2> /dev/null | digest)
  case " $volatile_changes " in *" $1 "*) volatile=yes ;; *) volatile=no ;; esac
  if [ "$volatile" = no ]; then
    if [ "$now" = "$before" ]; then say "undone $1"; return 0; fi
    case " $runtime_changes " in *" $1 "*)
      if [ "$now" != "$after" ] && restarted; then say "undone $1 restarted"; return 0; fi ;;
    esac
    # Rules are found one by one, ours by their comment, so a part of them is taken back as well as all.
    case " $rule_changes " in *" $1 "*) ;; *)
      if [ -n "$after" ] && [ "$now" != "$after" ]; then say "left $1 changed by somebody else since"; return 1; fi ;;
    esac
  fi
  # A log that cannot be opened, on a disk that has become read-only, must not keep the undo from running.
  log=$dir/log
  ( : >> "$log" ) 2> /dev/null || log=/dev/null
  ( undo_$1 ) < /dev/null >> "$log" 2>&1
  code=$?
  if [ "$volatile" = no ] && [ "$(probe_$1 2> /dev/null | digest)" != "$before" ]; then
    say "stuck $1 exit $code: $(tail_of_log)"
    return 1
  fi
  say "undone $1"
}
undo_all() {
  whole=yes rules_stand=no
  # Room for the words of the undo, where the disk is full.
  rm -f "$dir/reserve"
  if [ ! -e "$dir/modules.brought" ] && [ -e "$dir/modules.before" ]; then remember_after; fi
  for number in $backwards; do
    said "intend $number" || continue
    said "undone $number" && continue
    # Accepts for untracked packets may go only once nothing leaves packets untracked: what rests on rules that could not
    # be taken back stays as well.
    case " $rule_changes " in
      *" $number "*)
        if [ "$rules_stand" = yes ]; then
          whole=no
          say "left $number rules made after it could not be taken back"
          continue
        fi
        undo_change "$number" || { whole=no rules_stand=yes; } ;;
      *) undo_change "$number" || whole=no ;;
    esac
  done
  unstage_all
  sweep
  # The word comes last: who hears it may begin the next transaction, or remove this directory.
  drop_lock
  if [ "$whole" = yes ]; then say rolled-back; else say needs-hands; fi
}

run() {
  window=$1 confirm_within=$2
  if ! enlist main; then tell 'refused disk'; return; fi
  if ! take_lock; then tell "refused locked $(holder)"; return; fi
  if [ "$(bound_probe 2> /dev/null | digest)" != "$bound_digest" ]; then
    drop_lock
    tell 'refused drifted'
    return
  fi
  if ! remember_before; then
    drop_lock
    tell 'refused disk'
    return
  fi
  for number in $persist_changes; do
    if ! ( stage_$number ) < /dev/null >> "$dir/log" 2>&1; then
      unstage_all
      drop_lock
      tell "refused stage $(tail_of_log)"
      return
    fi
  done
  spawn switch "$window" "$confirm_within"
  waited=0
  while ! said armed; do
    if [ "$waited" -ge 10 ]; then
      decide refused && { unstage_all; drop_lock; tell 'refused switch'; }
      return
    fi
    sleep 1
    waited=$((waited + 1))
  done
  # Staging and arming took a moment, and nobody else heeds our lock: look once more, last thing before the first write.
  if [ "$(bound_probe 2> /dev/null | digest)" != "$bound_digest" ]; then
    decide refused && { unstage_all; drop_lock; tell 'refused drifted'; }
    return
  fi
  for number in $runtime_changes; do
    [ -d "$dir/decision" ] && return
    if ! change "$number"; then
      if may_undo failed; then
        rm -f "$dir/reserve"
        said "failed $number" || say "failed $number it could not be recorded; is the disk full?"
        remember_after
        undo_all
      fi
      return
    fi
  done
  remember_after
  say applied
}

expire() {
  may_undo expired || exit 0
  if alive "$dir/main"; then end_tree "$pid"; fi
  say "expired $1"
  undo_all
  exit 0
}
watch() {
  enlist switch && say armed || exit 1
  waited=0
  while ! said applied; do
    [ -d "$dir/decision" ] && exit 0
    [ "$waited" -ge "$1" ] && expire 'the changes took too long'
    if ! alive "$dir/main" && ! said applied; then expire 'the script that made the changes ended in the middle'; fi
    sleep 1
    waited=$((waited + 1))
  done
  waited=0
  while [ ! -d "$dir/decision" ]; do
    [ -e "$dir/transaction" ] || exit 0
    [ "$waited" -ge "$2" ] && expire 'no confirmation came'
    sleep 1
    waited=$((waited + 1))
  done
}

confirm() {
  said applied || return
  enlist main
  decide confirmed || return
  say confirmed
  for number in $persist_changes; do
    if ! change "$number"; then undo_all; return; fi
  done
  drop_lock
  say committed
}

case $verb in
  run) run "$2" "$3" ;;
  switch) watch "$2" "$3" ;;
  confirm) confirm ;;
  start) shift && spawn "$@" ;;
  abort) may_undo aborted && { end_others; say aborted; undo_all; } ;;
  undo)
    decide undo || :
    end_others
    enlist main
    if take_lock; then undo_all; else say "refused locked $(holder)"; fi ;;
esac
`

export function directoryOf(transaction: string): string {
  return `${ROOT}/${transaction}`
}
