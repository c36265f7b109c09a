import type { KernelLogFacts } from '../model/facts.ts'
import { known, unknown } from '../model/reading.ts'
import type { Section } from '../shell/bundle.ts'
import { sh } from '../shell/script.ts'
import { type Fact, linesOf, notUnderstood, readWith, wholeNumber } from './fact.ts'

// Most hosts have nothing to tell and cost one dmesg and one sed. The kernel warns of it at that level; to choose by level
// halves what dmesg costs, where it can (busybox cannot). Where there is, the host counts and sends only the newest
// lines: in an incident the log holds thousands. The last sed is `tail -n 20`, which not every host has. No grep looks for the
// lines: a crash leaves zeros in a log file, and grep then says of the whole that it is binary.
const probe = sh`if command -v dmesg >/dev/null; then
  log=$( { dmesg -l warn || dmesg || echo 'dmesg failed'; } | sed -n -e '/conntrack: table full/p' -e '/^dmesg failed/p')
else
  log='dmesg failed'
fi
case $log in
*'dmesg failed'*)
  log=
  for f in /var/log/kern.log /var/log/messages; do
    [ -r $f ] && command -v tail >/dev/null || continue
    echo "file $f"
    log=$(tail -c 1000000 $f | sed -n '/conntrack: table full/p')
    [ -z "$log" ] || date '+date %Y-%m-%d %H:%M:%S %z'
    break
  done
  ;;
*) echo 'file dmesg' ;;
esac
[ -n "$log" ] || exit 0
printf 'uptime %s\n' "$(cat /proc/uptime)"
case $log in
*' in netns '*)
  IFS='[]'
  set -- $(readlink /proc/self/ns/net || ls -ln /proc/self/ns/net)
  netns=$2
  echo "netns $netns"
  log=$(printf '%s\n' "$log" | sed -n -e "/ in netns $netns[^0-9]/p" -e '/ in netns /!p')
  ;;
esac
echo "lines $(printf '%s\n' "$log" | grep -c 'table full')"
printf '%s\n' "$log" | sed -e :a -e '$q;N;21,$D;ba' | head -c 40000`

export const kernelLog: Fact<KernelLogFacts> = {
  name: 'kernel-log',
  probes: [{ name: 'kernel-log', probe, bytes: 'own' }],
  parse(sections) {
    return { tableFull: readWith(sections('kernel-log'), tableFullIn) }
  },
}

function tableFullIn({ code, output }: Section): KernelLogFacts['tableFull'] {
  if (code !== 0) return unknown(`the probe of the kernel log ended early, with code ${code}`)
  const rest = linesOf(output, 200)
  const told = (word: string) => rest.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1)
  const file = told('file')
  if (file === undefined) return unknown('dmesg is refused to this user, and no log file of the kernel is readable')
  if (told('netns') === '') {
    return unknown('the log names network namespaces, and this host does not tell which one is ours')
  }
  // A quiet log is its file's name alone.
  if (rest.slice(1).every((line) => line === '')) return known({ lines: 0, newestAgeSeconds: null })
  const lines = wholeNumber(told('lines'))
  if (lines === undefined) return notUnderstood('the number of lines in the kernel log', told('lines') ?? '')
  const full = rest.filter((line) => line.includes('conntrack: table full'))
  const now = {
    uptime: Number(/^\d{1,12}(\.\d{1,9})?/.exec(told('uptime') ?? '')?.[0] ?? Number.NaN),
    date: told('date') ?? '',
  }
  const ages = full.flatMap((line) => (file === 'dmesg' ? sinceBoot(line, now.uptime) : sinceDate(line, now.date)))
  return known({ lines, newestAgeSeconds: lines === 0 || ages.length === 0 ? null : Math.min(...ages) })
}

/** `[ 1234.567890] …`, seconds since boot; absent where the kernel prints no times. */
function sinceBoot(line: string, uptime: number): readonly number[] {
  const stamp = /^(?:<\d{1,3}>)?\[ *(\d{1,12}\.\d{1,9})\]/.exec(line)?.[1]
  return stamp === undefined || Number.isNaN(uptime) ? [] : [Math.max(Math.round(uptime - Number(stamp)), 0)]
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Jun  8 10:48:13 …` in the host's own time and without a year, or RFC 3339. */
export function sinceDate(line: string, date: string): readonly number[] {
  const [, year = '', month = '', day = '', clock = '', zone = ''] =
    /^(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4})$/.exec(date) ?? []
  const now = Date.parse(`${year}-${month}-${day}T${clock}${zone.slice(0, 3)}:${zone.slice(3)}`)
  if (Number.isNaN(now)) return []
  const standard = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)/.exec(line)?.[0]
  const [, name = '', monthDay = '', time = ''] = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) /.exec(line) ?? []
  const local = (inYear: number) =>
    `${inYear}-${String(MONTHS.indexOf(name) + 1).padStart(2, '0')}-${monthDay.padStart(2, '0')}T${time}${zone.slice(0, 3)}:${zone.slice(3)}`
  const candidates = standard === undefined ? [local(Number(year)), local(Number(year) - 1)] : [standard]
  // A day ahead of now is a clock that was set; more is last year's.
  const ages = candidates.map((text) => Math.round((now - Date.parse(text)) / 1000)).filter((age) => age > -86_400)
  const age = ages[0]
  return age === undefined ? [] : [Math.max(age, 0)]
}
