import { type Script, sh } from '../shell/script.ts'

/** Prints what a host's life is known by. After a restart, of the machine or of the container alone, nothing seen before counts. */
export const LIFE: Script = sh`cat /proc/sys/kernel/random/boot_id
sed 's/.*) //' /proc/1/stat | { read -r a b c d e f g h i j k l m n o p q r s started rest; echo "$started"; }`

/** What every verb of a transaction stands on: the journal, the decision, who is alive, processes apart from us, the lock. */
export const GROUND: Script = sh`say() {
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
${LIFE}
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
`
