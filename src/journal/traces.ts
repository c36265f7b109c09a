import { type Script, sh } from '../shell/script.ts'

/** What our commands make the kernel bring along: remembered before and after, and swept away again where nobody uses it. */
export const TRACES: Script = sh`nft_tables() {
  if [ ! -e /proc/modules ] || grep -q '^nf_tables ' /proc/modules ||
    grep -s -q '/nf_tables\.ko' "/lib/modules/$(uname -r)/modules.builtin"; then nft list tables 2> /dev/null | grep -E '^table (ip|ip6|inet) '; fi
}
modules() { sed 's/ .*//' /proc/modules 2> /dev/null ; }
# The first line matches nothing: busybox's grep takes an empty list of patterns for one that matches all.
remember_before() {
  life > "$dir/life" || return 1
  { echo '# before'; modules; echo '# end'; } > "$dir/modules.before" || return 1
  { echo '# before'; nft_tables; echo '# end'; } > "$dir/tables.before" || return 1
  # After a power cut, too: by an empty list all that is loaded would be ours to sweep.
  for each in life modules.before tables.before; do dd if=/dev/null of="$dir/$each" conv=notrunc,fsync 2> /dev/null || :; done
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
  grep -q '^# end' "$dir/modules.before" && grep -q '^# end' "$dir/tables.before" || return 0
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
`
