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
 * Exactly one of confirm, abort, failure and expiry wins `mkdir decision`; the others obey it.
 */
export function transactionScript(changes: readonly Change[], boundTo: BoundTo): string {
  const numbered = changes.map((change, index) => ({ change, number: index + 1 }))
  const numbersOf = (phase: Change['phase']) =>
    numbered.filter(({ change }) => change.phase === phase).map(({ number }) => number)
  return lines(
    sh`#!/bin/sh
# A ctfleet transaction. To take it back by hand: sh undo
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
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
said() { grep -q -E "^[0-9]+ $1( |\$)" "$dir/journal" 2> /dev/null ; }
decide() { mkdir "$dir/decision" 2> /dev/null && printf '%s\n' "$1" > "$dir/decision/by" ; }
life() {
  cat /proc/sys/kernel/random/boot_id
  sed 's/.*) //' /proc/1/stat | { read -r a b c d e f g h i j k l m n o p q r s started rest; echo "$started"; }
}
started_at() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | { read -r a b c d e f g h i j k l m n o p q r s started rest; echo "$started"; } ; }
alive() { [ -s "$1" ] && read -r pid started < "$1" && [ "$(started_at "$pid")" = "$started" ] ; }
enlist() { printf '%s %s\n' "$$" "$(started_at $$)" > "$dir/$1" ; }

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
    held=$(head -n 1 "$root/lock/holder" 2> /dev/null)
    if [ "$held" = "\${dir##*/}" ]; then return 0; fi
    if [ -n "$held" ] && [ "$(sed -n '2,3p' "$root/lock/holder")" != "$(life)" ]; then
      # The host was restarted since: what that transaction changed at run time is gone, what it staged is dropped.
      if [ -e "$root/$held/transaction" ] && ! grep -q ' committed$' "$root/$held/journal"; then
        sh "$root/$held/transaction" undo > /dev/null 2>&1
      fi
      rm -rf "$root/lock"
      mkdir "$root/lock" 2> /dev/null || return 1
    else
      return 1
    fi
  fi
  { printf '%s\n' "\${dir##*/}"; life; } > "$root/lock/holder"
}
drop_lock() {
  if [ "$(head -n 1 "$root/lock/holder" 2> /dev/null)" = "\${dir##*/}" ]; then rm -rf "$root/lock"; fi
}

nft_tables() {
  if [ ! -e /proc/modules ] || grep -q '^nf_tables ' /proc/modules; then nft list tables 2> /dev/null | grep -E '^table (ip|ip6) '; fi
}
modules() { sed 's/ .*//' /proc/modules 2> /dev/null ; }
remember_before() {
  modules > "$dir/modules.before"
  nft_tables > "$dir/tables.before"
  for family in ip ip6; do
    if [ -s "/proc/net/\${family}_tables_names" ]; then
      tool=\${family}tables
      command -v "$tool-legacy-save" > /dev/null 2>&1 && tool=$tool-legacy
      "$tool-save" > "$dir/rules.before.$family.legacy" 2> /dev/null
    fi
  done
  if [ -s "$dir/tables.before" ]; then nft list ruleset > "$dir/rules.before.nft" 2> /dev/null; fi
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

undo_change() {
  before=$(sed -n "s/^[0-9]* intend $1 //p" "$dir/journal" | sed -n '$p')
  after=$(sed -n "s/^[0-9]* done $1 //p" "$dir/journal" | sed -n '$p')
  now=$(probe_$1 2> /dev/null | digest)
  case " $volatile_changes " in *" $1 "*) volatile=yes ;; *) volatile=no ;; esac
  if [ "$volatile" = no ]; then
    if [ "$now" = "$before" ]; then say "undone $1"; return 0; fi
    if [ -n "$after" ] && [ "$now" != "$after" ]; then say "left $1 changed by somebody else since"; return 1; fi
  fi
  ( undo_$1 ) < /dev/null >> "$dir/log" 2>&1
  code=$?
  if [ "$volatile" = no ] && [ "$(probe_$1 2> /dev/null | digest)" != "$before" ]; then
    say "stuck $1 exit $code: $(tail_of_log)"
    return 1
  fi
  say "undone $1"
}
undo_all() {
  whole=yes
  if [ ! -e "$dir/modules.brought" ] && [ -e "$dir/modules.before" ]; then remember_after; fi
  for number in $backwards; do
    said "intend $number" || continue
    said "undone $number" && continue
    undo_change "$number" || whole=no
  done
  unstage_all
  sweep
  if [ "$whole" = yes ]; then say rolled-back; else say needs-hands; fi
  drop_lock
}

run() {
  window=$1 confirm_within=$2
  enlist main
  if ! take_lock; then say "refused locked $(head -n 1 "$root/lock/holder" 2> /dev/null)"; return; fi
  if [ "$(bound_probe 2> /dev/null | digest)" != "$bound_digest" ]; then
    drop_lock
    say 'refused drifted'
    return
  fi
  remember_before
  for number in $persist_changes; do
    if ! ( stage_$number ) < /dev/null >> "$dir/log" 2>&1; then
      unstage_all
      drop_lock
      say "refused stage $(tail_of_log)"
      return
    fi
  done
  spawn switch "$window" "$confirm_within"
  waited=0
  while ! said armed; do
    if [ "$waited" -ge 10 ]; then unstage_all; drop_lock; say 'refused switch'; return; fi
    sleep 1
    waited=$((waited + 1))
  done
  for number in $runtime_changes; do
    [ -d "$dir/decision" ] && return
    if ! change "$number"; then
      decide failed && { remember_after; undo_all; }
      return
    fi
  done
  remember_after
  say applied
}

expire() {
  decide expired || exit 0
  if alive "$dir/main"; then
    kill -KILL "-$pid" 2> /dev/null || kill -KILL "$pid" 2> /dev/null
  fi
  say "expired $1"
  undo_all
  exit 0
}
watch() {
  enlist switch
  say armed || exit 1
  waited=0
  while ! said applied; do
    [ -d "$dir/decision" ] && exit 0
    [ "$waited" -ge "$1" ] && expire 'the changes took too long'
    sleep 1
    waited=$((waited + 1))
  done
  waited=0
  while [ ! -d "$dir/decision" ]; do
    [ "$waited" -ge "$2" ] && expire 'no confirmation came'
    sleep 1
    waited=$((waited + 1))
  done
}

confirm() {
  decide confirmed || return
  say confirmed
  for number in $persist_changes; do
    if ! change "$number"; then undo_all; return; fi
  done
  say committed
  drop_lock
}

case $verb in
  run) run "$2" "$3" ;;
  switch) watch "$2" "$3" ;;
  confirm) confirm ;;
  start) shift && spawn "$@" ;;
  abort) decide aborted && { say aborted; undo_all; } ;;
  undo)
    decide undo || :
    for other in switch main; do
      if alive "$dir/$other" && [ "$pid" != "$$" ]; then kill -KILL "-$pid" 2> /dev/null || kill -KILL "$pid" 2> /dev/null; fi
    done
    if take_lock; then undo_all; else say "refused locked $(head -n 1 "$root/lock/holder" 2> /dev/null)"; fi ;;
esac
`

export function directoryOf(transaction: string): string {
  return `${ROOT}/${transaction}`
}
