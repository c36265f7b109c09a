import { lines, type Script, sh } from '../shell/script.ts'

type Place = { readonly backend: 'legacy' | 'nft'; readonly family: 'ip' | 'ip6'; readonly table: string }

/** Sets `save_rules` and `restore_rules` to the tools that serve one family, backend and table on this host. */
export function iptablesTools({ backend, family, table }: Place): Script {
  const program = family === 'ip' ? 'iptables' : 'ip6tables'
  return lines(
    sh`table=${table}
tool=${program}
if command -v ${`${program}-${backend}-save`} > /dev/null 2>&1; then tool=${`${program}-${backend}`} ; fi`,
    // Listing must not make a table or load a module, so a table is asked for only where it is there.
    backend === 'legacy'
      ? sh`has_rules() { grep -s -q -x "$table" ${`/proc/net/${family}_tables_names`} ; }`
      : sh`has_rules() {
  [ ! -e /proc/modules ] || grep -q '^nf_tables ' /proc/modules ||
    grep -s -q '/nf_tables\.ko' "/lib/modules/$(uname -r)/modules.builtin"
}`,
    sh`save_rules() {
  if has_rules; then "$tool-save" -t "$table" 2> /dev/null; fi
}
restore_rules() {
  if "$tool-restore" -h 2>&1 | grep -q -e --wait; then
    "$tool-restore" --noflush -w 10
  else
    "$tool-restore" --noflush
  fi
}`,
  )
}

/**
 * Shell functions that edit one table: `load_rules CHAIN…`, `find_rule CHAIN RULE`, `put_rule CHAIN RULE SPEC AFTER BEFORE`,
 * `take_rule CHAIN RULE`, `commit_rules`. RULE, AFTER and BEFORE are a spec as the save tool prints it, `#key` for a rule that
 * carries that comment, or `^` and `$` for the ends of the chain. The rules are held in $rules, the commands in $commands.
 */
export const RULE_EDITOR: Script = sh`newline='
'
commands=
load_rules() {
  rules=
  all=$(save_rules | sed -n 's/^\(\[[0-9]*:[0-9]*\] \)\{0,1\}-A /-A /p')
  set -f
  IFS=$newline
  for rule in $all; do
    for chain do
      case $rule in "-A $chain "*) rules=$rules$newline$rule ;; esac
    done
  done
  unset IFS
}
same_rule() {
  case $2 in
    '#'*)
      case "$1 " in
        *"--comment \${2#?} "* | *"--comment \"\${2#?}\" "*) return 0 ;;
      esac
      return 1 ;;
  esac
  [ "$1" = "$2" ]
}
find_rule() {
  found=
  IFS=$newline
  for rule in $rules; do
    case $rule in "-A $1 "*) ;; *) continue ;; esac
    if same_rule "\${rule#"-A $1 "}" "$2"; then
      found=$rule
      break
    fi
  done
  unset IFS
  [ -n "$found" ]
}
put_rule() {
  if find_rule "$1" "$2"; then return 0; fi
  exact= below= above= place=0 last='^'
  IFS=$newline
  for rule in $rules; do
    case $rule in "-A $1 "*) ;; *) continue ;; esac
    spec=\${rule#"-A $1 "}
    place=$((place + 1))
    if same_rule "$spec" "$5"; then
      if same_rule "$last" "$4"; then exact=$place; break; fi
      above=\${above:-$place}
    fi
    if same_rule "$spec" "$4"; then below=$((place + 1)); fi
    last=$spec
  done
  unset IFS
  if [ -z "$exact" ] && [ "$5" = '$' ] && same_rule "$last" "$4"; then exact=$((place + 1)); fi
  if [ "$4" = '^' ]; then below=1; fi
  at=\${exact:-\${below:-$above}}
  if [ -z "$at" ] && [ "$5" = '$' ]; then at=$((place + 1)); fi
  if [ -z "$at" ]; then
    printf 'neither neighbour is in chain %s: %s\n' "$1" "$3" >&2
    return 1
  fi
  commands="$commands$newline-I $1 $at $3"
  changed= place=0
  IFS=$newline
  for rule in $rules; do
    case $rule in "-A $1 "*)
      place=$((place + 1))
      if [ "$place" = "$at" ]; then changed="$changed$newline-A $1 $3"; fi ;;
    esac
    changed=$changed$newline$rule
  done
  unset IFS
  if [ "$at" -gt "$place" ]; then changed="$changed$newline-A $1 $3"; fi
  rules=$changed
}
take_rule() {
  find_rule "$1" "$2" || return 0
  commands="$commands$newline-D \${found#-A }"
  taken=$found changed=
  IFS=$newline
  for rule in $rules; do
    if [ -n "$taken" ] && [ "$rule" = "$taken" ]; then taken=; continue; fi
    changed=$changed$newline$rule
  done
  unset IFS
  rules=$changed
}
commit_rules() {
  [ -z "$commands" ] && return 0
  printf '*%s%s\nCOMMIT\n' "$table" "$commands" | restore_rules
}`
