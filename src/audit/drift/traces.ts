import { filesIn, linesOf } from '../../facts/fact.ts'
import { sinceDate } from '../../facts/kernel-log.ts'
import { known, mapReading, type Reading, unknown } from '../../model/reading.ts'
import type { Probe, Section } from '../../shell/bundle.ts'
import { sh } from '../../shell/script.ts'
import { ACTOR_NAMES } from './actors.ts'

/** What a host tells of who was at work on it; moments are seconds since the epoch, by its own clock. */
export type Traces = {
  /** When ctfleet's change was confirmed, by its journal there. */
  readonly appliedAt: Reading<number>
  /** Processes and units of programs that change rules or settings, and since when they run. */
  readonly started: Reading<readonly Started[]>
  /** Files that settings and rules come from, when each was last written, and whose it is. */
  readonly files: Reading<readonly Written[]>
  /** Lines of configuration that name a setting in question, by file; with what chooses among the files. */
  readonly settings: Reading<ReadonlyMap<string, readonly string[]>>
  /** Chains and tables before the change, by the dump that its transaction keeps; one family may be missing. */
  readonly before: Reading<{ readonly iptables: Names; readonly nft: Names }>
  /** What sudo and the kernel's audit have on record. */
  readonly acts: Reading<readonly Act[]>
}

export type Started = { readonly name: string; readonly at: number }
export type Written = { readonly path: string; readonly at: number; readonly owner: string }
/** Null where nothing is kept of it. */
type Names = ReadonlySet<string> | null
export type Act = {
  /** Null where the log's time is not understood. */
  readonly at: number | null
  readonly who: string
  /** `sudo`: a command line; `audit`: a record about a table. */
  readonly by: 'sudo' | 'audit'
  readonly text: string
}

/** Where settings are made, and by whom; in none of these are secrets. No history of a shell is read. */
const SYSCTL_FILES = ['/etc/sysctl.conf', '/etc/ufw/sysctl.conf'] as const
/** Of files of one name only that of the first of these is read, though it be empty or a link to /dev/null: sysctl.d(5). */
const SYSCTL_FOLDERS = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d'] as const
const TUNED = ['/etc/tuned/', '/usr/lib/tuned/', '/etc/tuned/profiles/', '/usr/lib/tuned/profiles/'] as const
export const TUNED_PROFILE = '/etc/tuned/active_profile'
export const PVE = '/etc/pve/local/host.fw'

/** Bytes of a log's end that are looked at, and lines of it that are taken in. */
const LOG_END = 1_000_000
const LOG_LINES = 60

/**
 * Asks only a host on which something is not as it was applied: read-only, and every answer bounded.
 * @param words last parts of the settings in question (`nf_conntrack_max`); @param paths files in question
 */
export function traceProbes(
  transaction: string,
  { words, paths }: { readonly words: readonly string[]; readonly paths: readonly string[] },
): readonly Probe[] {
  const own = `/var/lib/ctfleet/${transaction}`
  const sought = ['conntrack', ...words].flatMap((word) => ['-e', word])
  return [
    {
      name: 'applied',
      bytes: 400,
      probe: sh`sed -n 's/^\([0-9]*\) \(applied\|confirmed\|committed\)\( .*\)*$/\1/p' ${`${own}/journal`} | sed -n '$p'`,
    },
    {
      name: 'started',
      bytes: 20_000,
      probe: sh`grep '^btime ' /proc/stat
grep -sxF ${ACTOR_NAMES.flatMap((name) => ['-e', name])} /proc/[0-9]*/comm | while IFS=: read -r path name; do
  pid=\${path%/comm}
  read -r stat < "$pid/stat" || continue
  set -- \${stat##*\) }
  echo "process $name \${20}"
  # Anybody may call a process so; of whose command line root opens a file it is only root's own.
  if [ "$name" = kube-proxy ] && [ "$(stat -c %u "$pid")" = 0 ]; then
    flags=$(tr '\0' '\n' < "$pid/cmdline" | grep -e '^--conntrack-' -e '^--config=')
    printf '%s\n' "$flags" | sed 's/^/flag /'
    config=$(printf '%s\n' "$flags" | sed -n 's/^--config=//p')
    [ -z "$config" ] || [ ! -f "$pid/root$config" ] || grep -E '^ *(maxPerCore|min|tcp(CloseWait|Established)Timeout):' "$pid/root$config" | sed 's/^/config /'
  fi
done
for name in ${[...ACTOR_NAMES, 'systemd-sysctl', 'procps']}; do
  unit=/run/systemd/units/invocation:$name.service
  [ ! -L "$unit" ] || stat -c "unit $name %Y" "$unit"
done
:`,
    },
    {
      name: 'files',
      bytes: 60_000,
      probe: sh`stat -L -c '%Y %U %n' ${paths} /etc/sysctl.conf /etc/sysctl.d/* /run/sysctl.d/* /etc/modprobe.d/* /etc/modules-load.d/* \
  /etc/ufw/* /etc/firewalld/* /etc/firewalld/zones/* /etc/iptables/* /etc/nftables.conf /etc/sysconfig/iptables \
  /etc/sysconfig/ip6tables ${TUNED_PROFILE} /etc/tuned/*/tuned.conf /etc/pve/local/host.fw /etc/docker/daemon.json
:`,
    },
    {
      name: 'settings',
      bytes: 60_000,
      probe: sh`set -- ${SYSCTL_FILES} /etc/modprobe.d/*
for place in ${SYSCTL_FOLDERS}; do
  for file in "$place"/*.conf; do
    for first in ${SYSCTL_FOLDERS}; do
      [ ! -e "$first/\${file##*/}" ] || break
    done
    [ "$first" != "$place" ] || set -- "$@" "$file"
  done
done
grep -s ${sought} "$@" /dev/null
for place in ${TUNED}; do grep -s ${sought} -e '^include' "$place"*/tuned.conf /dev/null; done
grep -s '' ${TUNED_PROFILE} /dev/null
grep -s '^nf_conntrack' ${PVE} /dev/null
:`,
    },
    {
      name: 'before',
      bytes: 120_000,
      probe: sh`cd ${own} || exit 1
for each in rules.before.*; do
  [ -s "$each" ] && case $each in
  *.nft) echo 'kept nft' ; sed -n -e 's/^\(table [a-z0-9]* [^ ]*\).*/nft \1/p' -e 's/^[[:space:]]*chain \([^ ]*\).*/nft chain \1/p' "$each" ;;
  *) echo 'kept iptables' ; sed -n 's/^:\([^ ]*\).*/iptables chain \1/p' "$each" ;;
  esac
done
:`,
    },
    {
      name: 'acts',
      bytes: 60_000,
      probe: sh`date '+date %Y-%m-%d %H:%M:%S %z'
wanted='COMMAND=.*(sysctl|conntrack|iptables|ip6tables|nft|netfilter|ufw|firewall|shorewall|tuned|docker|modprobe|modules|insmod|systemctl|service|/(ba|da|z|fi)?sh( -[il])?$|/su( -l?)?$)'
last() { sed -e :a -e ${`$q;N;${LOG_LINES + 1},$D;ba`} ; }
end() { if command -v tail > /dev/null; then tail -c ${LOG_END} "$1"; fi ; }
for log in /var/log/auth.log /var/log/secure; do
  [ -r $log ] && end $log | grep -a -E "$wanted" | last
done
since=$(sed -n 's/^\([0-9]*\) applied.*/\1/p' ${`${own}/journal`} | sed -n '$p')
if command -v journalctl > /dev/null && [ -n "$since" ]; then
  journalctl -q --no-pager -o short-unix --since "@$since" -t sudo -n 1000 | grep -a -E "$wanted" | last
fi
[ -r /var/log/audit/audit.log ] && end /var/log/audit/audit.log | grep -a '^type=NETFILTER_CFG' | last
:`,
    },
  ]
}

/** Total: what a host did not tell, or told in a way that is not understood, is unknown with its cause. */
export function readTraces(section: (name: string) => Reading<Section>): Traces {
  const told = (name: string): Reading<string> => {
    const answer = section(name)
    if (!answer.known) return answer
    return answer.value.truncated ? unknown('it told more than is taken in') : known(answer.value.output)
  }
  const applied = told('applied')
  const at = applied.known ? /^(\d{1,12})\n/.exec(applied.value)?.[1] : undefined
  return {
    appliedAt: at === undefined ? unknown('the journal of the transaction is not there any more') : known(Number(at)),
    started: mapReading(told('started'), startedIn),
    files: mapReading(told('files'), writtenIn),
    settings: mapReading(told('settings'), (text) => withFlags(filesIn(text), told('started'))),
    before: mapReading(told('before'), (text) => ({ iptables: namesIn(text, 'iptables'), nft: namesIn(text, 'nft') })),
    acts: mapReading(told('acts'), actsIn),
  }
}

/** USER_HZ, which is 100 wherever conntrack runs. */
const TICKS = 100

function startedIn(text: string): readonly Started[] {
  const boot = Number(/^btime (\d{1,12})$/m.exec(text)?.[1] ?? Number.NaN)
  return linesOf(text, 500).flatMap((line): readonly Started[] => {
    const [, kind, name = '', number] = /^(process|unit) (\S{1,40}) (\d{1,15})$/.exec(line) ?? []
    if (kind === 'unit') return [{ name, at: Number(number) }]
    return kind === 'process' && !Number.isNaN(boot) ? [{ name, at: Math.floor(boot + Number(number) / TICKS) }] : []
  })
}

function writtenIn(text: string): readonly Written[] {
  return linesOf(text, 2000).flatMap((line): readonly Written[] => {
    const [, at, owner = '', path = ''] = /^(\d{1,12}) (\S{1,40}) (\/.{1,300})$/.exec(line) ?? []
    return at === undefined ? [] : [{ path, at: Number(at), owner }]
  })
}

/** The name under which what kube-proxy was started with stands among the files. */
export const KUBE_PROXY = 'kube-proxy'

function withFlags(
  files: ReadonlyMap<string, readonly string[]>,
  started: Reading<string>,
): ReadonlyMap<string, readonly string[]> {
  const flags = started.known ? linesOf(started.value, 500).filter((line) => /^(?:flag|config) ./.test(line)) : []
  return new Map([...files, ...(flags.length === 0 ? [] : [[KUBE_PROXY, flags] as const])])
}

function namesIn(text: string, form: 'iptables' | 'nft'): Names {
  const all = linesOf(text, 20_000)
  if (!all.includes(`kept ${form}`)) return null
  return new Set(
    all.flatMap((line) => (line.startsWith(`${form} `) ? [line.replace(/^\S+ (?:chain|table) /, '')] : [])),
  )
}

function actsIn(text: string): readonly Act[] {
  const date = /^date (.{1,40})$/m.exec(text)?.[1] ?? ''
  const now = momentOf(date)
  return linesOf(text, 500).flatMap((line): readonly Act[] => {
    const [, epoch, table, command] =
      /^type=NETFILTER_CFG msg=audit\((\d{1,12})[.:\d]*\).*? table=(\S{1,80}).*? comm="?([^" ]{1,40})/.exec(line) ?? []
    if (epoch !== undefined) {
      const user = /\bauid=(\d{1,10})\b/.exec(line)?.[1]
      const login = user === undefined || user === '4294967295' ? 'nobody who logged in' : `login user ${user}`
      return [
        { at: Number(epoch), by: 'audit', who: command ?? '', text: `table ${table} changed by ${command}, ${login}` },
      ]
    }
    const [, head = '', who = '', said = ''] =
      /^(.{1,80}?) sudo(?:\[\d+\])?: +(\S{1,64}) : .*?\bCOMMAND=(.{1,400})/.exec(line) ?? []
    if (said === '') return []
    const unix = /^(\d{9,12})\.\d+ /.exec(head)?.[1]
    const age = unix === undefined && now !== null ? sinceDate(`${head} `, date)[0] : undefined
    const at = unix !== undefined ? Number(unix) : age === undefined || now === null ? null : now - age
    return [{ at, by: 'sudo', who, text: said.slice(0, 200) }]
  })
}

function momentOf(date: string): number | null {
  const [, day = '', clock = '', zone = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4})$/.exec(date) ?? []
  const at = Date.parse(`${day}T${clock}${zone.slice(0, 3)}:${zone.slice(3)}`)
  return Number.isNaN(at) ? null : Math.floor(at / 1000)
}
