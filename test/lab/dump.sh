# Prints a host's state in raw sections; normalised by dump.ts. Runs no tool that would load or create what is not there.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
section() { printf '@@ %s\n' "$1"; }

# Without /proc/modules everything is built in and nothing can load.
present() {
  [ ! -e /proc/modules ] || grep -q "^$1 " /proc/modules || grep -q "/$1\.ko" "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null
}

for family in ip ip6; do
  section "legacy $family"
  if grep -q . "/proc/net/${family}_tables_names" 2>/dev/null; then ${family}tables-legacy-save; fi
done
if present nf_tables; then
  for family in ip ip6; do
    section "xtables-nft $family"
    ${family}tables-nft-save 2>/dev/null
  done
  section 'nft'
  nft list ruleset
fi
section 'sysctl'
# One grep over all of them: sixty processes for sixty keys would be most of what a dump costs.
grep -s -d skip '' /proc/sys/net/netfilter/* /proc/sys/net/nf_conntrack_max | grep -v nf_conntrack_count: | sed 's/:/ = /'
section 'modules'
if [ -e /proc/modules ]; then cut -d' ' -f1 /proc/modules | sort; fi
section 'etc'
find /etc \( -name ld.so.cache -o -name mtab -o -name resolv.conf -o -name adjtime -o -name .pwd.lock -o -name '*-' \) -prune -o \
  \( -type f -o -type l -o -type d \) -printf '%p %y %m %U:%G %l\n' | sort
find /etc \( -name ld.so.cache -o -name resolv.conf -o -name adjtime -o -name .pwd.lock -o -name '*-' \) -prune -o -type f -print0 |
  sort -z | xargs -0 sha256sum
section 'ctfleet'
if [ -d /var/lib/ctfleet ]; then find /var/lib/ctfleet -type f -printf '%p\n' | sort; fi
