import { type Script, sh } from '../shell/script.ts'

/**
 * Shell functions that edit nft's own tables, all in one atomic `nft -f`: `see_rule FAMILY TABLE CHAIN RULE NTH KEY OWN AFTER
 * BEFORE` prints `KEY yes`, `no`, or `odd` where nft prints what is there otherwise than we write it; `put_rule … SPEC AFTER
 * BEFORE`; `take_rule …`; `own_table`; `commit_rules`. RULE is the rule's text as `nft -s list` prints it, or `#key` for a rule
 * that carries that comment; OWN is the handle it had. AFTER and BEFORE are neighbours, `HANDLE` or `HANDLE TEXT` (a handle
 * alone may be another rule's after a reload), or `^` and `$` for the ends of the chain. Ends with 4 where nft cannot list what
 * there is.
 *
 * Relies on `nft -s -a` (nft 0.8) and on `position`, which every nft takes, 1.1 too. Rules are known from JSON alone, so what
 * is older than 0.9.0, or built without it, has no edits to make. A nft below 1.0 prints some rules otherwise (0.9.0: service names):
 * those are odd, and cannot be removed.
 */
export const NFT_EDITOR: Script = sh`tables= below= above= deletes= newline='
'
has_nft() {
  command -v nft > /dev/null 2>&1 || return 1
  [ ! -e /proc/modules ] || grep -q '^nf_tables ' /proc/modules ||
    grep -s -q '/nf_tables\.ko' "/lib/modules/$(uname -r)/modules.builtin"
}
list_chain() { nft -s -a list chain "$1" "$2" "$3" 2> /dev/null < /dev/null ; }
if has_nft; then nft list tables > /dev/null 2>&1 < /dev/null || exit 4; else exit 4; fi
has_chain() {
  nft list chains 2> /dev/null < /dev/null | sed -n "/^table $1 $2 {/,/^}/s/^	chain \([^ ]*\) .*/\1/p" | grep -q -x -F -e "$3"
}
# The listing is kept: reading it again for every rule would be slow, and might read another one.
listed= listing=
load_chain() {
  [ "$listed" = "$1 $2 $3" ] && return 0
  listed="$1 $2 $3"
  listing=$(list_chain "$1" "$2" "$3") && return 0
  # Not there, or not to be listed: by a name that is a word of nft's, for one.
  if has_chain "$1" "$2" "$3"; then exit 4; fi
  listing=
}
find_rule() {
  load_chain "$1" "$2" "$3"
  handle= nth=$5
  set -f
  IFS=$newline
  for line in $listing; do
    case $line in *' # handle '*) ;; *) continue ;; esac
    text=\${line%' # handle '*}
    while :; do
      case $text in [[:blank:]]*) text=\${text#?} ;; *) break ;; esac
    done
    case $4 in
      '#'*) case "$text " in *"comment \"\${4#?}\" "*) ;; *) continue ;; esac ;;
      *) [ "x$text" = "x$4" ] || continue ;;
    esac
    nth=$((nth - 1))
    if [ "$nth" = 0 ]; then
      handle=\${line##*' # handle '}
      break
    fi
  done
  unset IFS
  [ -n "$handle" ]
}
is_there() {
  case $1 in
    *' '*) case "$listing$newline" in *"		\${1#* } # handle \${1%% *}$newline"*) return 0 ;; esac ;;
    *) case "$listing$newline" in *" # handle $1$newline"*) return 0 ;; esac ;;
  esac
  return 1
}
is_odd() {
  case $1 in
    *' '*) is_there "\${1%% *}" && ! is_there "$1" ;;
    *) false ;;
  esac
}
see_rule() {
  word=no
  if find_rule "$1" "$2" "$3" "$4" "$5"; then
    word=yes
    if is_odd "$8" || is_odd "$9"; then word=odd; fi
  elif [ -n "$7" ] && is_there "$7"; then word=odd
  fi
  printf '%s %s\n' "$6" "$word"
}
own_table() {
  tables="add table inet ctfleet$newline"
  tables="\${tables}add chain inet ctfleet prerouting { type filter hook prerouting priority -300 ; }$newline"
  tables="\${tables}add chain inet ctfleet output { type filter hook output priority -300 ; }$newline"
}
# What goes below the same rule is put there in reverse: the last one comes to stand lowest.
put_rule() {
  if find_rule "$1" "$2" "$3" "$4" "$5"; then return 0; fi
  if [ "$7" = '^' ]; then below="insert rule $1 $2 $3 $6$newline$below"
  elif is_there "$7"; then below="add rule $1 $2 $3 position \${7%% *} $6$newline$below"
  elif [ "$8" = '$' ]; then above="\${above}add rule $1 $2 $3 $6$newline"
  elif is_there "$8"; then above="\${above}insert rule $1 $2 $3 position \${8%% *} $6$newline"
  else
    printf 'neither neighbour is in chain %s %s %s: %s\n' "$1" "$2" "$3" "$6" >&2
    return 1
  fi
}
take_rule() {
  find_rule "$1" "$2" "$3" "$4" "$5" || return 0
  deletes="\${deletes}delete rule $1 $2 $3 handle $handle$newline"
}
commit_rules() {
  [ -z "$tables$below$above$deletes" ] && return 0
  printf '%s' "$tables$below$above$deletes" | nft -f - || return 1
  # Our own table goes with its last rule.
  if nft -s list table inet ctfleet 2> /dev/null | grep -v -q -E '^table |^	chain |^		type .* policy accept;|^	\}|^\}|^$'; then
    return 0
  fi
  nft delete table inet ctfleet 2> /dev/null
  :
}`
