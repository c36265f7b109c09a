import { lines, type Script, sh } from '../shell/script.ts'
import type { ChainRef } from './depends.ts'
import type { Family } from './rules.ts'

/** The `iptables-save` of each backend on the host, by name or path; the IPv6 one is named after it. */
export type SaveTools = Readonly<Record<IptablesBackend, string | null>>
type IptablesBackend = 'legacy' | 'nft'

/**
 * Prints the chains in a normal form, one line a rule: `legacy ip filter -A INPUT …`. Counters and comments of the save
 * tool are left out, and so are policies of ACCEPT, since an empty table is as good as none. Loads no module: a backend
 * whose kernel side is not there prints nothing, as does one without its tool.
 */
export function rulesProbe(chains: readonly ChainRef[], tools: SaveTools): Script {
  const probes = savesOf(chains, tools).map(probe)
  const native = new Map(
    chains.flatMap((each) => (each.backend === 'native' ? [[`${each.table} ${each.chain}`, each] as const] : [])),
  )
  return lines(...probes, ...(native.size === 0 ? [] : [nativeProbe([...native.values()])]), sh`:`)
}

/**
 * Lists once, for all that the same shell or one below it asks later by `rulesProbe` and `takeKept`, what the save tools of these
 * chains print. Only for a shell in which no rule changes.
 */
export function keepRules(chains: readonly ChainRef[], tools: SaveTools): Script {
  return lines(
    ...savesOf(chains, tools).map(({ backend, family, tool }) => {
      const { by, all } = keptAs({ backend, family })
      // What is longer than a word of a command may be is listed each time, as some shells' printf is a program. So is what the
      // tool could not list whole: each who asks deals with that in his own way.
      return sh`if [ "\${${by}-}" != ${tool} ]; then
  ${by}=
  if command -v ${tool} >/dev/null 2>&1 && ${isThere(backend, family)} && ${all}=$(LC_ALL=C ${tool} 2>/dev/null </dev/null); then
    ${by}=${tool}
    case $${all} in *' is incompatible, use '*) ${by}= ;; esac
    [ "\${#${all}}" -lt 100000 ] || ${by}=
  fi
fi`
    }),
    sh`:`,
  )
}

/** Sets $all to what the save tool $1 printed for `keepRules`; fails where that was not kept. */
export function takeKept(place: Kept): Script {
  const { by, all } = keptAs(place)
  return sh`take_kept() { [ "\${${by}-}" = "$1" ] && all=$${all} ; }`
}

type Kept = { readonly backend: IptablesBackend; readonly family: Family }

function keptAs({ backend, family }: Kept): { readonly by: Script; readonly all: Script } {
  switch (backend) {
    case 'legacy':
      return family === 'ip'
        ? { by: sh`kept_by_legacy`, all: sh`kept_legacy` }
        : { by: sh`kept_by_legacy6`, all: sh`kept_legacy6` }
    case 'nft':
      return family === 'ip' ? { by: sh`kept_by_nft`, all: sh`kept_nft` } : { by: sh`kept_by_nft6`, all: sh`kept_nft6` }
  }
}

type Save = Kept & { readonly tool: string; readonly chains: readonly ChainRef[] }

function savesOf(chains: readonly ChainRef[], tools: SaveTools): readonly Save[] {
  return BACKENDS.flatMap((backend) =>
    FAMILIES.flatMap((family) => {
      const mine = chains.filter((each) => each.backend === backend && each.family === family)
      const tool = tools[backend]
      return mine.length === 0 || tool === null ? [] : [{ backend, family, tool: toolFor(family, tool), chains: mine }]
    }),
  )
}

const BACKENDS = ['legacy', 'nft'] as const satisfies readonly IptablesBackend[]
const FAMILIES = ['ip', 'ip6'] as const satisfies readonly Family[]

function probe({ backend, family, tool, chains }: Save): Script {
  const { by, all } = keptAs({ backend, family })
  return sh`if [ "\${${by}-}" = ${tool} ]; then
  printf '%s\n' "$${all}"
elif command -v ${tool} >/dev/null 2>&1 && ${isThere(backend, family)}; then
  LC_ALL=C ${tool} 2>/dev/null </dev/null
fi | sed -n ${sedFor(`${backend} ${family}`, chains)}`
}

function isThere(backend: IptablesBackend, family: Family): Script {
  return backend === 'legacy' ? legacyIsThere(family) : NFT_IS_THERE
}

/**
 * With handles, by which a plan knows rules: where they came out the same after a reload, a plan still means the same rules.
 * Verdict maps decide as rules do. A chain that cannot be listed by its name is as good as the whole.
 */
function nativeProbe(chains: readonly ChainRef[]): Script {
  return sh`show_chain() {
  listing=$(LC_ALL=C nft -s -a list chain "$1" "$2" "$3" 2> /dev/null < /dev/null) ||
    listing=$(LC_ALL=C nft -s -a list ruleset 2> /dev/null < /dev/null)
  printf '%s\n' "$listing" | sed "s/^/native $1 $2 $3 /"
  for map in $(printf '%s\n' "$listing" | tr ' ' '\n' | sed -n '/^vmap$/{
    n
    s/^@\([A-Za-z0-9_.-]*\)$/\1/p
  }'); do
    LC_ALL=C nft -s list map "$1" "$2" "$map" 2> /dev/null < /dev/null
  done
}
if command -v nft > /dev/null 2>&1 && ${NFT_IS_THERE}; then
${lines(...chains.map(({ table, chain }) => sh`show_chain ${[...table.split(' '), chain]}`))}
fi`
}

/** The kernel lists its legacy tables here; without any, the save tool has nothing to read. */
function legacyIsThere(family: Family): Script {
  return sh`grep -qs . ${family === 'ip' ? '/proc/net/ip_tables_names' : '/proc/net/ip6_tables_names'}`
}

// The nft save tools load nf_tables; a kernel without /proc/modules has nothing to load.
const NFT_IS_THERE: Script = sh`{ [ ! -e /proc/modules ] || grep -qs '^nf_tables ' /proc/modules || grep -qs '/nf_tables\.ko' "/lib/modules/$(uname -r)/modules.builtin"; }`

/**
 * Prints which tables and base chains there are, of either backend and nft's own: a filter that comes up after a plan was
 * made judges packets beside the chains it was made for.
 */
export const TABLES_PROBE: Script = sh`grep -s '' /proc/net/ip_tables_names /proc/net/ip6_tables_names
if command -v nft >/dev/null 2>&1 && ${NFT_IS_THERE}; then
  nft list chains 2>/dev/null </dev/null | grep -e '^table ' -e ' hook '
fi
:`

function sedFor(prefix: string, chains: readonly ChainRef[]): string {
  const tables = [...new Set(chains.map(({ table }) => table))].sort()
  return [
    's/^\\[[0-9]*:[0-9]*\\] *//',
    `/^#.*is incompatible, use/s/^/${prefix} /p`,
    ...tables.flatMap((table) => {
      const names = [...new Set(chains.filter((each) => each.table === table).map(({ chain }) => chain))].sort()
      return [
        `/^\\*${literal(table)}$/,/^COMMIT$/{`,
        ...names.flatMap((name) => [
          `/^:${literal(name)} ACCEPT/d`,
          `/^:${literal(name)} /s/ \\[[0-9]*:[0-9]*\\]$//`,
          `/^:${literal(name)} /s/^/${prefix} ${replacement(table)} /p`,
          `/^-A ${literal(name)} /s/^/${prefix} ${replacement(table)} /p`,
          `/^-A ${literal(name)}$/s/^/${prefix} ${replacement(table)} /p`,
        ]),
        '}',
      ]
    }),
  ].join('\n')
}

function literal(text: string): string {
  return text.replaceAll(/[\\/.*[\]^$]/g, '\\$&')
}

function replacement(text: string): string {
  return text.replaceAll(/[\\/&]/g, '\\$&')
}

function toolFor(family: Family, tool: string): string {
  return family === 'ip' ? tool : tool.replace(/iptables(?=[^/]*$)/, 'ip6tables')
}
