import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

type Want = { readonly unload: readonly string[] }
type State = {
  /** Those of the wanted modules that are loaded, leaf first as they would be removed. */
  readonly loaded: readonly string[]
  readonly hashSize: number | null
  /** Every setting that goes with the module, by path. */
  readonly settings: { readonly [path: string]: string }
}

const NAME = /^[A-Za-z0-9_]+$/

/** What goes with the module that holds the table: the two generations are never loaded together. */
const TRACKERS: { readonly [module: string]: { readonly parameter: string; readonly settings: Script } } = {
  nf_conntrack: {
    parameter: '/sys/module/nf_conntrack/parameters/hashsize',
    settings: sh`/proc/sys/net/netfilter/nf_conntrack_* /proc/sys/net/nf_conntrack_max`,
  },
  ip_conntrack: {
    parameter: '/sys/module/ip_conntrack/parameters/hashsize',
    settings: sh`/proc/sys/net/ipv4/netfilter/ip_conntrack_* /proc/sys/net/ipv4/ip_conntrack_max`,
  },
}

/** Kernel modules out, leaf first; back in root first, with their parameter and settings. */
export const kernelModules: StepKindSpec<Want, State> = {
  kind: 'kernel-modules',
  summary: 'removes kernel modules, and remembers every setting that goes with them',
  phase: 'runtime',
  want: z.strictObject({ unload: z.array(z.string().regex(NAME)).min(1) }),
  title: ({ unload }) => `unload ${unload.join(', ')}`,
  probe: ({ unload }) =>
    lines(
      sh`for module in ${unload}; do
  grep -s -q "^$module " /proc/modules && printf 'module %s\n' "$module"
done`,
      ...Object.entries(TRACKERS).flatMap(([module, { parameter, settings }]) =>
        unload.includes(module)
          ? [
              sh`if [ -r ${parameter} ]; then
  printf 'hashsize '
  cat -- ${parameter}
fi
grep -s '' ${settings} | grep -v -e _count: -e _buckets: ${othersSettings(unload)}`,
            ]
          : [],
      ),
      sh`[ -e /proc/modules ] && printf 'end\n'`,
    ),
  read(probed) {
    if (!probed.endsWith('end\n')) return unknown('this kernel has no loadable modules (/proc/modules is not there)')
    const rows = probed.split('\n')
    const size = /^hashsize (\d{1,12})$/m.exec(probed)?.[1]
    return known({
      loaded: rows.flatMap((row) => (row.startsWith('module ') ? [row.slice(7)] : [])),
      hashSize: size === undefined ? null : Number(size),
      settings: Object.fromEntries(
        rows.flatMap((row) => {
          const [, path, value] = /^(\/proc\/sys\/net\/[a-z0-9_/]+):(.*)$/.exec(row) ?? []
          return path === undefined || value === undefined ? [] : [[path, value] as const]
        }),
      ),
    })
  },
  goal: (now) => (now.loaded.length === 0 ? now : { loaded: [], hashSize: null, settings: {} }),
  transition: (from, to) => (to.loaded.length < from.loaded.length ? remove(from.loaded) : bringBack(to)),
  notes: (from, to) =>
    trackerIn(from.loaded) !== undefined && trackerIn(to.loaded) === undefined
      ? ['Every tracked entry is forgotten with the modules; sessions go on untracked']
      : [],
  relief: (from, to) =>
    trackerIn(from.loaded) !== undefined && trackerIn(to.loaded) === undefined ? { relief: 'tracking-ends' } : null,
  show: (state) => [
    ...(state.loaded.length === 0 ? ['none of them loaded'] : state.loaded.map((name) => `module ${name}`)),
    ...(state.hashSize === null ? [] : [`hashsize = ${state.hashSize}`]),
    ...Object.entries(state.settings).map(
      ([path, value]) => `${path.replace('/proc/sys/', '').replaceAll('/', '.')} = ${value}`,
    ),
  ],
}

function trackerIn(modules: readonly string[]): string | undefined {
  return modules.find((module) => Object.hasOwn(TRACKERS, module))
}

/** For grep: settings with conntrack's prefix that belong to a module which stays. */
function othersSettings(unload: readonly string[]): readonly string[] {
  return unload.includes('nf_defrag_ipv6') ? [] : ['-e', '_frag6_']
}

// rmmod takes away exactly what is named; modprobe -r would also take whatever falls idle by it.
function remove(modules: readonly string[]): Script {
  return sh`for module in ${modules}; do
  if grep -q "^$module " /proc/modules; then
    rmmod "$module" || exit 1
  fi
done`
}

function bringBack(to: State): Script {
  const rootFirst = [...to.loaded].reverse()
  const tracker = trackerIn(to.loaded)
  const parameter = TRACKERS[tracker ?? '']?.parameter
  return lines(
    ...rootFirst.map((module) =>
      module === tracker && to.hashSize !== null
        ? sh`modprobe ${module} hashsize=${to.hashSize} || exit 1`
        : sh`modprobe ${module} || exit 1`,
    ),
    // The parameter sets max to a multiple of itself, and a value below one second reads as 0: write back what differs, no more.
    sh`back() {
  [ -e "$1" ] || return 0
  [ "$(cat -- "$1")" = "$2" ] && return 0
  printf '%s\n' "$2" > "$1" && [ "$(cat -- "$1")" = "$2" ]
}
failed=0`,
    ...(to.hashSize === null || parameter === undefined ? [] : [sh`back ${parameter} ${to.hashSize} || failed=1`]),
    ...Object.entries(to.settings).map(([path, value]) => sh`back ${path} ${value} || failed=1`),
    sh`exit "$failed"`,
  )
}
