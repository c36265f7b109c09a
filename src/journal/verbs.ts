import { type Script, sh } from '../shell/script.ts'

/** One change there and back, all of them, and the verbs: run, switch, confirm, abort, settle, undo. */
export const VERBS: Script = sh`unstage_all() {
  unstaged=yes
  for number in $persist_changes; do
    ( unstage_$number ) > /dev/null 2>&1 && continue
    unstaged=no
    say "stuck $number what was made ready beside the file could not be removed"
  done
}
change() {
  # One that was cut off and is begun again comes from where it came from at first.
  said "intend $1" || say "intend $1 $(probe_$1 2> /dev/null | digest)" || return 1
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
    # Rules are found one by one, ours by their comment, so a part of them is taken back as well as all: also the part that a
    # restart brought back from a file.
    case " $rule_changes $rule_files " in *" $1 "*) ;; *)
      case " $runtime_changes " in *" $1 "*)
        if [ "$now" != "$after" ] && restarted; then say "undone $1 restarted"; return 0; fi ;;
      esac
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
  # It is back, whether or not that can be written.
  say "undone $1" || :
}
undo_all() {
  whole=yes rules_stand=no
  # Room for the words of the undo, where the disk is full.
  rm -f "$dir/reserve"
  # What was confirmed is touched only where the journal can tell of it: else it would be finished when half of it is gone.
  if ! tell undoing && decided_by confirmed && ! said expired; then
    look_after
    return 1
  fi
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
  if [ "$unstaged" = no ]; then whole=no; fi
  sweep
  # The word comes last: who hears it may begin the next transaction, or remove this directory.
  drop_lock
  if [ "$whole" = yes ]; then last=rolled-back; else last=needs-hands; fi
  tell "$last"
  announce "$last$1"
}

run() {
  window=$1 confirm_within=$2
  if ! enlist main; then tell 'refused disk'; return; fi
  # Somebody who heard nothing of us has closed it meanwhile.
  if decided; then over || tell 'refused closed'; return; fi
  if ! take_lock; then tell "refused locked $(held_by)"; return; fi
  if [ "$(bound_probe 2> /dev/null | digest)" != "$bound_digest" ]; then refuse drifted; return; fi
  if ! remember_before; then refuse disk; return; fi
  for number in $persist_changes; do
    if ! ( stage_$number ) < /dev/null >> "$dir/log" 2>&1; then refuse "stage $(tail_of_log)"; return; fi
  done
  spawn switch "$window" "$confirm_within"
  waited=0
  while ! said armed; do
    if [ "$waited" -ge 10 ]; then refuse switch; return; fi
    sleep 1
    waited=$((waited + 1))
  done
  # Staging and arming took a moment, and nobody else heeds our lock: look once more, last thing before the first write.
  if [ "$(bound_probe 2> /dev/null | digest)" != "$bound_digest" ]; then refuse drifted; return; fi
  for number in $runtime_changes; do
    decided && return
    if ! alive "$dir/switch"; then fail "$number" "the dead-man's switch is gone"; return; fi
    if ! change "$number"; then fail "$number" 'it could not be recorded; is the disk full?'; return; fi
  done
  remember_after
  if ! say applied; then fail "\${number:-1}" 'what was done could not be recorded; is the disk full?'; return; fi
  guard
}
# Nothing was changed yet.
refuse() {
  decide refused || return
  unstage_all
  drop_lock
  if [ "$unstaged" = yes ]; then tell "refused $1"; else tell needs-hands; fi
}
fail() {
  may_undo failed || return
  rm -f "$dir/reserve"
  said "failed $1" || tell "failed $1 $2"
  remember_after
  undo_all ' after a change that failed'
}
# The switch watches us, and we watch the switch until all is over.
guard() {
  mv "$dir/main" "$dir/second" 2> /dev/null
  start_clock
  tries=0
  while [ -e "$dir/transaction" ] && ! decided; do
    if ! alive "$dir/switch"; then
      left=$((confirm_within - $(elapsed)))
      if [ "$left" -le 0 ] || [ "$tries" -ge 3 ]; then expire 'no confirmation came'; fi
      tries=$((tries + 1))
      spawn switch "$window" "$left"
      rest 1
    fi
    rest 1
  done
  if alive "$dir/second"; then
    attend switch hand 'next.*'
    if is_kept; then watch_kept "$(kept_for)" switch; fi
  fi
}
# What carries out the decision (main, hand or next) may be cut off in the middle of it: then it is for us to do. Where no
# last word can be written, on a full or read-only disk, that is left to whoever comes once it can.
attend() {
  rounds=0
  start_clock
  while ! over && ! decided_by refused; do
    [ -e "$dir/transaction" ] && [ "$rounds" -lt 3 ] || exit 0
    # A file system that hangs must not hold the host's lock for ever.
    if decided_by confirmed && ! said undoing && [ "$(elapsed)" -ge 300 ]; then
      end_other hand
      undo_all ' after its files took too long'
      exit 0
    fi
    if ! any_alive "$@" && ! over; then
      rounds=$((rounds + 1))
      carry_on
      over || rest 4
    fi
    rest 1
  done
}

# Does not return.
expire() {
  may_undo expired || exit 0
  end_other main
  tell "expired $1"
  undo_all ": $1"
  exit 0
}
watch() {
  # Too late: nobody waited for us any more.
  decided && exit 0
  enlist switch && say armed || exit 1
  start_clock
  while ! said applied && ! decided; do
    [ "$(elapsed)" -ge "$1" ] && expire 'the changes took too long'
    if ! alive "$dir/main" && ! said applied; then expire 'the script that made the changes ended in the middle'; fi
    rest 1
  done
  start_clock
  while ! decided; do
    [ -e "$dir/transaction" ] || exit 0
    [ "$(elapsed)" -ge "$2" ] && expire 'no confirmation came'
    rest 1
  done
  attend main hand 'next.*'
  if is_kept; then watch_kept "$(kept_for)"; fi
}
# What is over and has nobody: an undo that was cut off before it touched anything has left the lock behind, and first aid
# has to be watched over, or taken back.
look_after() {
  over && ! carried "$dir" || return 0
  until=$(sed -n 's/^[0-9]* committed until //p' "$dir/journal" | sed -n '$p')
  if [ -z "$until" ] || restarted || said undoing; then drop_lock; return; fi
  left=$((until - $(date +%s)))
  if [ "$left" -le 0 ]; then
    take_over
    if take_lock; then
      tell 'expired its time was over'
      undo_all ': its time was over'
    fi
    return
  fi
  if [ "$left" -gt "$(kept_for)" ]; then left=$(kept_for); fi
  spawn kept "$left"
  waited=0
  while ! alive "$dir/switch" && [ "$waited" -lt 10 ]; do sleep 1; waited=$((waited + 1)); done
}
# Of what was confirmed, only first aid expires.
carry_on() {
  for other in main hand; do end_other "$other"; done
  if decided_by confirmed && ! restarted && ! said undoing && ! said expired; then finish; else undo_all ' after it was cut off'; fi
}
kept_for() { grep -x -E '[0-9]{1,7}' "$dir/keep" 2> /dev/null || echo 0 ; }
is_kept() { said committed && [ "$(kept_for)" -gt 0 ] && ! said undoing ; }
# First aid takes itself back after so many seconds, by whoever is left: $2 goes first, if it lives.
watch_kept() {
  start_clock
  while left=$(($1 - $(elapsed))); [ "$left" -gt 0 ] || alive "$dir/\${2:-nobody}"; do
    [ -e "$dir/transaction" ] || exit 0
    if said undoing; then attend switch hand 'next.*'; exit 0; fi
    if [ "$left" -gt 20 ]; then left=20; elif [ "$left" -lt 1 ]; then left=1; fi
    rest "$left"
  done
  # Somebody else may have taken it back, and removed it, since we last looked. On a disk that cannot be written now, later.
  until take_lock; do
    [ -e "$dir/transaction" ] && ! said undoing || exit 0
    sleep 5
  done
  if said undoing; then look_after; exit 0; fi
  until tell 'expired its time was over'; do
    [ -e "$dir/transaction" ] || exit 0
    sleep 5
  done
  undo_all ': its time was over'
}

confirm() {
  said applied || return
  # What nobody watches over may have been taken back on a disk on which that could not be recorded.
  if ! carried "$dir"; then settle 'nobody watched over it any more'; return; fi
  if claim confirmed; then finish; fi
}
# May have been cut off before: what is in place stays in place.
finish() {
  said confirmed || say confirmed
  kept_for=$(kept_for)
  if [ "$kept_for" -gt 0 ]; then
    # It keeps the lock: what comes on top of it would lose its ground when its time is over.
    unstage_all
    tell "committed until $(($(date +%s) + kept_for))"
    announce "in force for $kept_for s"
    return
  fi
  for number in $persist_changes; do
    said "done $number" && continue
    if ! change "$number"; then undo_all ' after a file could not be put in place'; return; fi
  done
  drop_lock
  tell committed
  announce committed
}
# Brings one that was left alone to an end, whichever is the nearest; what others still carry is waited for.
settle() {
  if claim aborted; then
    end_other main
    tell "aborted $1"
    undo_all ": $1"
    return
  fi
  waited=0
  while ! over && carried "$dir" && [ "$waited" -lt 150 ]; do sleep 1; waited=$((waited + 1)); done
  if over; then look_after; return; fi
  if carried "$dir"; then return; fi
  take_over
  if ! take_lock; then return; fi
  carry_on
  look_after
}

case $verb in
  run) run "$2" "$3" ;;
  switch) watch "$2" "$3" ;;
  confirm) confirm ;;
  start) shift && spawn "$@" ;;
  is-carried) carried "$dir" ;;
  is-restarted) restarted ;;
  tidy) unstage_all; drop_lock ;;
  look-after) look_after ;;
  abort)
    if claim aborted || ! decided; then
      end_other main
      tell aborted
      undo_all ': the controller found something amiss'
    fi ;;
  # The switch of what was committed is gone long since: somebody else watches over its undo.
  attend)
    enlist second
    while alive "$dir/hand" && ! said undoing; do sleep 1; done
    attend hand 'next.*'
    look_after ;;
  kept) enlist switch && watch_kept "$2" ;;
  settle) settle "\${2:-nobody came back for it}" ;;
  undo)
    # Whoever carries it goes on where we cannot have the lock.
    if ! take_lock; then tell "refused locked $(held_by)"; exit 0; fi
    if over && ! enlist_next; then exit 1; fi
    take_over
    take_lock
    decide undo || :
    spawn attend
    undo_all ' when it was asked for' ;;
esac
`
