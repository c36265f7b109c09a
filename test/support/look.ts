/**
 * Shell that prints a host to the nanosecond: rules of all kinds without their counters, tables also where they are empty,
 * modules, settings, files and processes. It leaves out what a login itself writes: logs, and the processes of sshd.
 * Where nothing of netfilter is loaded it loads nothing. A namespace host shows what its machine writes in some places: they are
 * left out too.
 */
export const LOOK = `export LC_ALL=C
present() { [ ! -e /proc/modules ] || grep -q "^$1 " /proc/modules; }
echo @@ legacy
for family in ip ip6; do
  cat /proc/net/\${family}_tables_names 2>&1
  if grep -q . /proc/net/\${family}_tables_names 2> /dev/null; then \${family}tables-legacy-save; fi
done | grep -v '^#' | sed 's/\\[[0-9]*:[0-9]*\\]//'
if present nf_tables; then echo @@ nft; nft -a -s list ruleset; fi
echo @@ modules; cut -d' ' -f1 /proc/modules 2> /dev/null | sort
echo @@ settings
grep -s -d skip '' /proc/sys/net/netfilter/* /proc/sys/net/nf_conntrack_max | grep -v nf_conntrack_count:
echo @@ files
find /etc /var /root /home /run /tmp /dev/shm -printf '%p %y %m %U:%G %s %T@ %C@ %l\\n' |
  grep -v -E '^/var/(log|tmp|cache|lib/apt|lib/dpkg)[/ ]|^/run/utmp ' | sort
echo @@ processes
ps -eo args= | grep -v -e '^sshd: ' -e '^ps ' -e '^sort$' -e '^grep ' -e '/bin/sh -c' -e ' -c export LC_ALL' -e '^\\[' | sort`
