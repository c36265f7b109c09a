import { type Script, sh } from '../shell/script.ts'

/** One change there and back, all of them, and the verbs: run, switch, confirm, abort, undo. */
export const VERBS: Script = sh`unstage_all() {
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
