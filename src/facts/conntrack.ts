import type { ConntrackFacts } from '../model/facts.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import { type Fact, filesIn, notUnderstood, readWith, wholeNumber } from './fact.ts'

const NF = '/proc/sys/net/netfilter'
const IP = '/proc/sys/net/ipv4/netfilter'

/** No kernel has a third of these. */
const MOST_SETTINGS = 300

// Some shells answer -w for root without asking the kernel; opening for append does ask, and writes nothing.
// One grep over everything: settings are lines that start with a digit, the rest is picked by name.
const probe = sh`grep -s -e '^[0-9-]' -e '^nf_conntrack' -e '^ip_conntrack' -e '^live' \
  /proc/sys/net/netfilter/nf_conntrack_* /proc/sys/net/ipv4/netfilter/ip_conntrack_* \
  /proc/sys/net/nf_conntrack_max /proc/sys/net/ipv4/ip_conntrack_max \
  /sys/module/nf_conntrack/parameters/hashsize /sys/module/ip_conntrack/parameters/hashsize \
  /sys/module/nf_conntrack/initstate /sys/module/ip_conntrack/initstate \
  /sys/module/nf_conntrack/refcnt /sys/module/ip_conntrack/refcnt /proc/slabinfo /proc/modules
for f in /proc/net/dev /proc/modules /proc/slabinfo /sys/module/nf_conntrack /sys/module/ip_conntrack /proc/net/nf_conntrack \
  /proc/net/ip_conntrack /proc/net/stat/nf_conntrack /proc/net/stat/ip_conntrack \
  /sys/module/nf_conntrack/parameters/hashsize /sys/module/ip_conntrack/parameters/hashsize; do
  [ -e $f ] && echo "exists $f"
done
if [ "$uid" = 0 ]; then
  echo root
  for f in /proc/sys/net/netfilter/nf_conntrack_max /proc/sys/net/netfilter/nf_conntrack_buckets \
    /proc/sys/net/nf_conntrack_max /proc/sys/net/ipv4/netfilter/ip_conntrack_max /proc/sys/net/ipv4/ip_conntrack_max \
    /sys/module/nf_conntrack/parameters/hashsize /sys/module/ip_conntrack/parameters/hashsize; do
    [ -w $f ] && true >>$f && echo "writable $f"
  done
fi
command -v conntrack >/dev/null && echo tool
if [ -r /proc/cmdline ]; then
  read -r line </proc/cmdline
  case $line in *nf[-_]conntrack.enable[-_]hooks*) echo 'enable_hooks 1' ;; *) echo 'enable_hooks 0' ;; esac
fi
:`

export const conntrack: Fact<ConntrackFacts> = {
  name: 'conntrack',
  probes: [{ name: 'conntrack', probe, bytes: 'own' }],
  parse(sections) {
    const seen = readWith(sections('conntrack'), ({ code, output }) => {
      if (code !== 0) return unknown(`the probe of conntrack ended early, with code ${code}`)
      const from = seenIn(output)
      return from.words.has('exists /proc/net/dev') ? known(from) : unknown('/proc/net could not be read')
    })
    const ask = <T>(parse: (seen: Seen) => Reading<T>) => readWith(seen, parse)
    const count = ask((from) => number(from, 'count'))
    const max = ask((from) => number(from, 'max'))
    return {
      generation: mapReading(seen, ({ generation }) => generation),
      form: ask(formOf),
      count,
      max,
      usage: readWith(count, (entries) =>
        readWith(max, (most) => (most > 0 ? known(entries / most) : unknown('max is 0: the table has no limit'))),
      ),
      buckets: ask((from) => number(from, 'buckets')),
      hashSize: ask(hashSizeOf),
      maxWritable: ask(maxWritableOf),
      bucketsWritable: ask(bucketsWritableOf),
      entryBytes: ask(entryBytesOf),
      timeouts: ask((from) => readWith(settingsOf(from), (settings) => known(numbers(settings)))),
      settings: ask((from) =>
        readWith(settingsOf(from), (settings) => known({ ...otherThanTimeouts(settings), ...enableHooksIn(from) })),
      ),
      directory: ask((from) => readWith(settingsOf(from), () => known(from.directory))),
      tool: mapReading(seen, ({ words }) => words.has('tool')),
    }
  },
}

type Seen = {
  readonly files: ReadonlyMap<string, readonly string[]>
  /** The lines that are no file's. */
  readonly words: ReadonlySet<string>
  readonly generation: 'nf' | 'ip' | 'none'
  /** Where this generation keeps its settings. */
  readonly directory: string
  readonly prefix: string
}

function seenIn(output: string): Seen {
  const files = filesIn(output)
  const words = new Set(
    output
      .slice(-20_000)
      .split('\n')
      .filter((line) => !line.startsWith('/')),
  )
  const has = (generation: 'nf' | 'ip', directory: string) => {
    const name = `${generation}_conntrack`
    const signs = [`/proc/net/${name}`, `/proc/net/stat/${name}`, `/sys/module/${name}`]
    return (
      files.has(`${directory}/${name}_max`) ||
      files.has(`${directory}/${name}_count`) ||
      signs.some((path) => words.has(`exists ${path}`)) ||
      (files.get('/proc/modules') ?? []).some((line) => line.startsWith(`${name} `))
    )
  }
  // Kernels with both paths keep the old ones as aliases: the newer generation is the real one.
  const generation = has('nf', NF) ? 'nf' : has('ip', IP) ? 'ip' : 'none'
  const old = generation === 'ip'
  return { files, words, generation, directory: old ? IP : NF, prefix: old ? 'ip_conntrack_' : 'nf_conntrack_' }
}

const ABSENT = 'the kernel has no connection tracking at present'

function formOf({ files, words, generation }: Seen): ConntrackFacts['form'] {
  if (generation === 'none') return known('absent')
  const name = `${generation}_conntrack`
  const listed = (files.get('/proc/modules') ?? []).some((line) => line.startsWith(`${name} `))
  // Only what was loaded as a module has a state or a reference count in sysfs.
  const counted = ['initstate', 'refcnt'].some((file) => files.has(`/sys/module/${name}/${file}`))
  if (listed || counted) return known('module')
  if (words.has('exists /proc/modules') || words.has(`exists /sys/module/${name}`)) return known('built-in')
  return unknown('neither /proc/modules nor /sys/module is there to tell')
}

function number(seen: Seen, key: 'count' | 'max' | 'buckets'): Reading<number> {
  if (seen.generation === 'none') return unknown(ABSENT)
  const { directory, prefix } = seen
  const beside = key === 'max' ? [`${directory.replace(/\/netfilter$/, '')}/${prefix}max`] : []
  for (const path of [`${directory}/${prefix}${key}`, ...beside]) {
    const text = seen.files.get(path)?.[0]
    if (text === undefined) continue
    const value = wholeNumber(text)
    return value === undefined ? notUnderstood(path, text) : known(value)
  }
  return unknown(`${directory}/${prefix}${key} could not be read`)
}

function hashSizeOf({ files, words, generation }: Seen): Reading<number> {
  if (generation === 'none') return unknown(ABSENT)
  const path = hashSizePath(generation)
  const text = files.get(path)?.[0]
  const value = wholeNumber(text)
  if (value !== undefined) return known(value)
  if (text !== undefined) return notUnderstood(path, text)
  return unknown(words.has(`exists ${path}`) ? `only root may read ${path}` : `${path} is not there`)
}

function hashSizePath(generation: 'nf' | 'ip'): string {
  return `/sys/module/${generation}_conntrack/parameters/hashsize`
}

function maxWritableOf({ words, generation, directory, prefix }: Seen): Reading<boolean> {
  if (generation === 'none') return unknown(ABSENT)
  if (!words.has('root')) return unknown('only root can tell whether max may be written')
  const paths = [`${directory}/${prefix}max`, `${directory.replace(/\/netfilter$/, '')}/${prefix}max`]
  return known(paths.some((path) => words.has(`writable ${path}`)))
}

function bucketsWritableOf(seen: Seen): Reading<boolean> {
  const { words, generation, directory, prefix } = seen
  return readWith(maxWritableOf(seen), (maxWritable) => {
    if (generation === 'none') return unknown(ABSENT)
    // The parameter looks writable in every network namespace, and refuses (EOPNOTSUPP) in all but the first, where max
    // is writable too.
    const parameter = words.has(`writable ${hashSizePath(generation)}`)
    return known(words.has(`writable ${directory}/${prefix}buckets`) || (maxWritable && parameter))
  })
}

/** slabinfo: `name active total objsize …`; since 2.6.28 or so the name may end in the namespace's address. */
function entryBytesOf({ files, words, generation }: Seen): Reading<number> {
  if (generation === 'none') return unknown(ABSENT)
  const pattern = new RegExp(`^${generation}_conntrack(?:_[0-9a-f]{4,16})? +\\d+ +\\d+ +(\\d{1,6}) `)
  const sizes = (files.get('/proc/slabinfo') ?? []).flatMap((line) => pattern.exec(line)?.[1] ?? [])
  const size = sizes.map(Number).find((bytes) => bytes > 0)
  if (size !== undefined) return known(size)
  if (!words.has('exists /proc/slabinfo')) return unknown('the kernel has no /proc/slabinfo')
  if (!words.has('root')) return unknown('only root may read /proc/slabinfo')
  return unknown('/proc/slabinfo has no line of its own for entries; the kernel may have merged the cache')
}

function settingsOf({ files, generation, directory, prefix }: Seen): Reading<ReadonlyMap<string, string>> {
  if (generation === 'none') return unknown(ABSENT)
  const start = `${directory}/${prefix}`
  const settings = new Map<string, string>()
  for (const [path, [value]] of files) {
    const key = path.slice(start.length)
    if (path.startsWith(start) && /^\w{1,80}$/.test(key) && value !== undefined)
      settings.set(key, value.trim().slice(0, 200))
  }
  if (settings.size > MOST_SETTINGS) return unknown(`${directory} holds more than ${MOST_SETTINGS} settings`)
  return settings.size === 0 ? unknown(`${directory} holds no ${prefix}* that could be read`) : known(settings)
}

/** Fragments wait and events are sent again after a while too, but no entry lives by that. */
function isTimeout(key: string): boolean {
  return key.includes('timeout') && !key.startsWith('frag6_') && !key.startsWith('events_')
}

function numbers(settings: ReadonlyMap<string, string>): { readonly [key: string]: number } {
  const timeouts = [...settings]
    .filter(([key]) => isTimeout(key))
    .map(([key, value]) => [key, wholeNumber(value)] as const)
  return Object.fromEntries(timeouts.filter((pair): pair is readonly [string, number] => pair[1] !== undefined))
}

/** A parameter that sysfs does not show (its mode is 0), so that the kernel's command line has to tell. */
function enableHooksIn({ words }: Seen): { readonly enable_hooks?: string } {
  const told = ['0', '1'].find((value) => words.has(`enable_hooks ${value}`))
  return told === undefined ? {} : { enable_hooks: told }
}

function otherThanTimeouts(settings: ReadonlyMap<string, string>): { readonly [key: string]: string } {
  const own = new Set(['count', 'max', 'buckets'])
  return Object.fromEntries([...settings].filter(([key]) => !isTimeout(key) && !own.has(key)))
}
