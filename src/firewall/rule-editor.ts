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
}`,
    // Only the legacy tools share a lock, and only newer ones can wait for it.
    backend === 'legacy'
      ? sh`restore_rules() {
  if "$tool-restore" -h 2>&1 | grep -q -e --wait; then
    "$tool-restore" --noflush -w 10
  else
    "$tool-restore" --noflush
  fi
}`
      : sh`restore_rules() { "$tool-restore" --noflush ; }`,
  )
}

/**
 * Shell functions that look at one table: `load_rules CHAIN…`, `find_rule CHAIN RULE NTH`. RULE is a spec as the save tool
 * prints it, or `#key` for a rule that carries that comment; NTH tells equal rules of one chain apart. The rules are held in
 * $rules. A table that cannot be listed ends the script with 4. `take_kept TOOL` sets $all to what the tool printed of all
 * tables a moment ago, or fails.
 */
export const RULE_READER: Script = sh`newline='
'
load_rules() {
  rules= here=
  take_kept "$tool-save" || all=$(save_rules) || exit 4
  set -f
  IFS=$newline
  for rule in $all; do
    # Old tools print counters with each rule.
    case $rule in
      '['*) rule=\${rule#'['*'] '} ;;
      '*'*) here=\${rule#?} ;;
    esac
    [ "$here" = "$table" ] || continue
    for chain do
      case $rule in "-A $chain" | "-A $chain "*) rules=$rules$newline$rule ;; esac
    done
  done
  unset IFS
}
# Whether $rule is one of this chain; its spec is empty where the rule matches all and does nothing.
in_chain() {
  case $rule in "-A $1" | "-A $1 "*) ;; *) return 1 ;; esac
  spec=\${rule#"-A $1"}
  spec=\${spec# }
}
same_rule() {
  case $2 in
    '#'*)
      case "$1 " in
        *"--comment \${2#?} "* | *"--comment \"\${2#?}\" "*) return 0 ;;
      esac
      return 1 ;;
  esac
  [ "x$1" = "x$2" ]
}
find_rule() {
  found= nth=$3
  IFS=$newline
  for rule in $rules; do
    in_chain "$1" && same_rule "$spec" "$2" || continue
    nth=$((nth - 1))
    if [ "$nth" = 0 ]; then
      found=$rule
      break
    fi
  done
  unset IFS
  [ -n "$found" ]
}`

/**
 * What edits the table besides, with the reader before it: `put_rule CHAIN RULE NTH SPEC AFTER BEFORE`, `take_rule CHAIN RULE
 * NTH`, `commit_rules`. AFTER and BEFORE are as RULE is, or `^` and `$` for the ends of the chain. The commands are held in
 * $commands.
 */
export const RULE_WRITER: Script = sh`commands=
put_rule() {
  if find_rule "$1" "$2" "$3"; then return 0; fi
  exact= below= above= place=0 last='^'
  IFS=$newline
  for rule in $rules; do
    in_chain "$1" || continue
    place=$((place + 1))
    if same_rule "$spec" "$6"; then
      if same_rule "$last" "$5"; then exact=$place; break; fi
      above=\${above:-$place}
    fi
    if same_rule "$spec" "$5"; then below=$((place + 1)); fi
    last=$spec
  done
  unset IFS
  if [ -z "$exact" ] && [ "$6" = '$' ] && same_rule "$last" "$5"; then exact=$((place + 1)); fi
  if [ "$5" = '^' ]; then below=1; fi
  at=\${exact:-\${below:-$above}}
  if [ -z "$at" ] && [ "$6" = '$' ]; then at=$((place + 1)); fi
  if [ -z "$at" ]; then
    printf 'neither neighbour is in chain %s: %s\n' "$1" "$4" >&2
    return 1
  fi
  commands="$commands$newline-I $1 $at $4"
  changed= place=0
  IFS=$newline
  for rule in $rules; do
    if in_chain "$1"; then
      place=$((place + 1))
      if [ "$place" = "$at" ]; then changed="$changed$newline-A $1 $4"; fi
    fi
    changed=$changed$newline$rule
  done
  unset IFS
  if [ "$at" -gt "$place" ]; then changed="$changed$newline-A $1 $4"; fi
  rules=$changed
}
take_rule() {
  find_rule "$1" "$2" "$3" || return 0
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
