import { type Script, sh } from '../shell/script.ts'

/** Prints what a host's life is known by. After a restart, of the machine or of the container alone, nothing seen before counts. */
export const LIFE: Script = sh`read -r boot < /proc/sys/kernel/random/boot_id && echo "$boot"
first_started() { read -r stat < /proc/1/stat; set -- \${stat##*\) }; echo "\${20}"; }
first_started`

/**
 * What every verb of a transaction stands on: the journal, the decision, who is alive, processes apart from us, the lock. What is
 * asked each second, by two watchers for as long as a change waits, is read by the shell itself: a program costs ten times that.
 */
export const GROUND: Script = sh`say() {
  printf '%s %s\n' "$(date +%s)" "$*" >> "$dir/journal" || return 1
  dd if=/dev/null of="$dir/journal" conv=notrunc,fsync 2> /dev/null || :
}
# A last word has the reserve to be written in; a change is begun only where there is room without it. What a full disk
# took of a line stands on a line of its own.
tell() { say "$@" || { rm -f "$dir/reserve"; echo >> "$dir/journal"; say "$@"; } ; }
said() { grep -q -E "^[0-9]+ $1( |\$)" "$dir/journal" 2> /dev/null ; }
# Who decided stands in the name: a rename needs no room, and is whole or not at all.
decide() { mv "$dir/undecided" "$dir/decision.$1" 2> /dev/null ; }
decided() { set -- "$dir"/decision.*; [ -d "$1" ] ; }
decided_by() { [ -d "$dir/decision.$1" ] ; }
# Taking back is right where nobody decided at all, as on a disk that can no longer be written.
may_undo() { decide "$1" || ! decided ; }
# Nothing more is to come, unless somebody asks for an undo.
over() {
  case "$(last_record) " in
    'committed '* | 'rolled-back '* | 'needs-hands '* | 'refused '*) return 0 ;;
  esac
  return 1
}
# Below it may stand what a full disk left of a line.
last_record() { sed -n '/^[0-9][0-9]* [a-z]/h;\${x;s/^[0-9]* //p;}' "$dir/journal" 2> /dev/null ; }
# Time that goes forward only: the host's clock may be set while we wait. Where /proc/uptime cannot be read or stands still,
# as where lxcfs died, what we slept is what counts.
start_clock() { see_uptime; begun=$now slept=0 ; }
# Sets $now to whole seconds, or to nothing.
see_uptime() {
  now=
  { read -r now rest < /proc/uptime; } 2> /dev/null
  now=\${now%%.*}
  case $now in *[!0-9]*) now= ;; esac
}
rest() { sleep "$1"; slept=$((slept + $1)) ; }
elapsed() {
  see_uptime
  if [ -n "$begun" ] && [ -n "$now" ] && [ $((now - begun)) -gt "$slept" ]; then echo $((now - begun)); else echo "$slept"; fi
}
life() {
${LIFE}
}
# After a restart what was changed at run time is gone, unless a file of ours brought it back.
restarted() { [ -s "$dir/life" ] && [ "$(cat "$dir/life")" != "$(life)" ] ; }
# Sets $state, $parent, $group, $session and $started of a process; fails where there is none. Its name, in brackets, may hold
# anything, line ends too.
see_process() {
  stat= state= parent= group= session= started=
  { while read -r line; do stat="$stat $line"; done < "/proc/$1/stat"; } 2> /dev/null
  [ -n "$stat" ] || return 1
  set -- \${stat##*\) }
  state=$1 parent=$2 group=$3 session=$4 started=\${20}
}
started_at() { see_process "$1"; echo "$started" ; }
# Leaves the process in $pid.
alive() { [ -s "$1" ] && read -r pid since < "$1" && see_process "$pid" && [ "$started" = "$since" ] && [ "$state" != Z ] ; }
is_dead() { ! see_process "$1" || [ "$state" = Z ] ; }
enlist() { printf '%s %s\n' "$$" "$(started_at $$)" > "$dir/$1" ; }
# Whether a transaction has a process, other than ourselves, that carries it: one that makes changes or has made them, the
# switch, or one that was asked since.
carried() {
  for carrier in "$1/main" "$1/second" "$1/switch" "$1/hand" "$1"/next.*; do
    if alive "$carrier" && [ "$pid" != "$$" ]; then return 0; fi
  done
  return 1
}
any_alive() {
  for carrier; do
    for each in "$dir"/$carrier; do if alive "$each"; then return 0; fi; done
  done
  return 1
}
# A process, all below it and what is ours of its group, but never ourselves: what a killed one had begun goes on without it.
# Whoever is stopped first starts nothing more; at most 10 s for the last of them to be gone, as a command that the kernel is
# in the middle of still takes effect.
end_tree() {
  killed=
  kill_tree "$1"
  for each in $(members_of "$1"); do
    if is_ours "$each"; then kill_tree "$each"; fi
  done
  for each in $killed; do
    tries=0
    while ! is_dead "$each" && [ "$tries" -lt 10 ]; do sleep 1; tries=$((tries + 1)); done
  done
}
kill_tree() {
  if [ "$1" -le 1 ] || [ "$1" = "$$" ] || [ "$1" = "$spared" ]; then return; fi
  kill -STOP "$1" 2> /dev/null
  for child in $(children_of "$1"); do kill_tree "$child"; done
  kill -KILL "$1" 2> /dev/null
  killed="$killed $1"
}
children_of() { for each in $(pids_by_stat "$1"); do if see_process "$each" && [ "$parent" = "$1" ]; then echo "$each"; fi; done ; }
members_of() {
  for each in $(pids_by_stat "[0-9]* $1 $1"); do if see_process "$each" && [ "$group $session" = "$1 $1" ]; then echo "$each"; fi; done
}
# Processes by parent, or by parent, group and session; and whatever a process says in its name, which may look like a line of
# another one: each is to be asked itself.
pids_by_stat() { sed -n "s/^\([0-9]*\) (.*) [A-Za-z] $1 .*/\1/p" /proc/[0-9]*/stat 2> /dev/null ; }
# All that this transaction starts carries its name: the number of one that died long ago may be that of a daemon's group now.
is_ours() { cat "/proc/$1/environ" 2> /dev/null | tr '\0' '\n' | grep -q -x "CTFLEET_TRANSACTION=\${dir##*/}" ; }
end_other() {
  [ -s "$dir/$1" ] && read -r pid since < "$dir/$1" || return 0
  [ "$pid" != "$$" ] || return 0
  # The switch may be its child, and is to watch over whoever comes after it.
  spared=
  if [ "$1" = main ]; then spared=$(sed 's/ .*//' "$dir/switch" 2> /dev/null); fi
  case $(started_at "$pid") in '' | "$since") end_tree "$pid" ;; esac
}
# Has the reserve to be written in: who is not known to carry a decision, on a full disk, would have it carried twice.
enlist_next() { enlist "next.$$" || { rm -f "$dir/reserve"; enlist "next.$$"; } ; }
# Decides, if nobody has, and carries the decision; at no moment does nobody.
claim() {
  enlist_next
  if decide "$1"; then mv "$dir/next.$$" "$dir/hand" 2> /dev/null || :; return 0; fi
  rm -f "$dir/next.$$"
  return 1
}
# In the place of all others that carry this transaction.
take_over() {
  enlist_next
  for other in switch second main hand; do end_other "$other"; done
  mv "$dir/next.$$" "$dir/hand" 2> /dev/null || :
}
# One line in the host's own log, where it has one.
announce() {
  if command -v logger > /dev/null 2>&1; then
    logger -t ctfleet "transaction \${dir##*/} ($(cat "$dir/asked" 2> /dev/null)): $1" < /dev/null > /dev/null 2>&1 || :
  fi
}

# Apart from the connection that started us: logind may end a session's children, and a lost link must end nobody.
spawn() {
  mark=CTFLEET_TRANSACTION=\${dir##*/}
  if [ -d /run/systemd/system ] && command -v systemd-run > /dev/null 2>&1 &&
    systemd-run --quiet --collect --unit="ctfleet-\${dir##*/}-$1-$$" env "$mark" sh "$dir/transaction" "$@" < /dev/null > /dev/null 2>&1; then
    return 0
  fi
  if command -v setsid > /dev/null 2>&1; then
    setsid env "$mark" sh "$dir/transaction" "$@" < /dev/null >> "$dir/log" 2>&1 &
  else
    nohup env "$mark" sh "$dir/transaction" "$@" < /dev/null >> "$dir/log" 2>&1 &
  fi
}

take_lock() {
  [ -e "$dir/transaction" ] || return 1
  if ! mkdir "$root/lock" 2> /dev/null; then
    if [ "$(holder)" = "\${dir##*/}" ]; then return 0; fi
    break_lock || return 1
  fi
  if { printf '%s\n' "\${dir##*/}"; life; date +%s; cat "$dir/asked"; } > "$root/lock/holder" 2> /dev/null; then
    dd if=/dev/null of="$root/lock/holder" conv=notrunc,fsync 2> /dev/null
    return 0
  fi
  rm -rf "$root/lock"
  return 1
}
holder() { sed -n '1s/^\([A-Za-z0-9-]\{1,40\}\)$/\1/p;q' "$root/lock/holder" 2> /dev/null ; }
held_by() {
  printf '%s since %s%s %s' "$(holder)" "$(sed -n 4p "$root/lock/holder" 2> /dev/null)" "$(stands_until "$(holder)")" "$(sed -n 5p "$root/lock/holder" 2> /dev/null)"
}
# First aid keeps the lock as long as it stands.
stands_until() { sed -n 's/^[0-9][0-9]* \([a-z]\)/\1/p' "$root/$1/journal" 2> /dev/null | sed -n '$s/^committed\( until [0-9]*\)$/\1/p' ; }
# Takes over a lock that nobody stands behind: from before a restart of the host, or whose processes are all gone. Never
# by its age. One at a time: the second must find the first one's new lock.
break_lock() {
  breaking=$root/breaking.$(life | digest)
  if ! mkdir "$breaking" 2> /dev/null; then
    sleep 2
    if [ ! -d "$breaking" ] || alive "$breaking/who"; then return 1; fi
    rm -rf "$breaking"
    mkdir "$breaking" 2> /dev/null || return 1
  fi
  printf '%s %s\n' "$$" "$(started_at $$)" > "$breaking/who"
  broken=no
  held=$(holder)
  # Whoever makes a lock writes its name at once; one without a name was cut short.
  if [ -z "$held" ]; then sleep 2; held=$(holder); fi
  if [ -z "$held" ] || [ "$(sed -n '2,3p' "$root/lock/holder")" != "$(life)" ] || ! carried "$root/$held"; then
    # Finished where it was confirmed in this life of the host, taken back otherwise.
    if [ -n "$held" ] && [ -e "$root/$held/transaction" ]; then sh "$root/$held/transaction" settle > /dev/null 2>&1; fi
    # First aid may have somebody again who watches over it.
    if [ -z "$held" ] || ! carried "$root/$held"; then
      rm -rf "$root/lock"
      mkdir "$root/lock" 2> /dev/null && broken=yes
    fi
  fi
  rm -rf "$root"/breaking.*
  [ "$broken" = yes ]
}
drop_lock() {
  if [ "$(holder)" = "\${dir##*/}" ]; then rm -rf "$root/lock"; fi
}
`
