import type { FirewallFacts, RuleDump } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Probe } from '../shell/bundle.ts'
import { sh } from '../shell/script.ts'
import { type Fact, filesIn, linesOf, notUnderstood, readWith, type Sections } from './fact.ts'

/** A ruleset longer than this is not read: 4 MiB are about 40 000 rules. */
const LONGEST_DUMP = 4 * 1024 * 1024

// Each tool loads what it needs, so it may run only where that is there already. Legacy: a table that is listed exists.
// nf_tables: in /proc/modules, or built in; without /proc/modules nothing can load, and below 3.10 no kernel has it.
// Which backend `iptables` belongs to is read off the program it leads to: asking it for its version opens netlink.
const setup = sh`table_names=$(grep -s '' /proc/net/ip_tables_names /proc/net/ip6_tables_names)
case $release in
2.* | 3.[0-9].*) nf_tables=no ;;
*)
  if ! [ -e /proc/modules ]; then nf_tables=likely
  elif [ -n "$(grep -s -e '^nf_tables ' -e '/nf_tables\.ko' /proc/modules "/lib/modules/$release/modules.builtin")" ]; then
    nf_tables=yes
  elif [ -r /proc/modules ] && [ -r "/lib/modules/$release/modules.builtin" ]; then nf_tables=no
  else nf_tables=unknown
  fi
  ;;
esac
legacy= legacy6= nft= nft6= backend=
if own=$(command -v iptables-save); then
  real=
  if command -v readlink >/dev/null; then real=$(readlink -f "$own")
  elif ! [ -L "$own" ]; then real=$own
  fi
  case $real in
  '') ;;
  *nft-multi | *compat-multi | *nft-save) backend=nft nft=iptables nft6=ip6tables ;;
  *) backend=legacy legacy=iptables legacy6=ip6tables ;;
  esac
fi 2>/dev/null
if command -v iptables-legacy-save >/dev/null; then legacy=iptables-legacy legacy6=ip6tables-legacy; fi
if command -v iptables-nft-save >/dev/null; then nft=iptables-nft nft6=ip6tables-nft; fi`

const overview = sh`[ -e /proc/net/dev ] && echo proc
[ "$uid" = 0 ] && echo root
echo "nf_tables $nf_tables"
echo "release $release"
echo "legacy $legacy"
echo "nft $nft"
echo "backend $backend"
[ -e /proc/net/ip_tables_names ] && echo 'registered ip'
[ -e /proc/net/ip6_tables_names ] && echo 'registered ip6'
command -v nft >/dev/null && echo 'program nft'
command -v iptables-save >/dev/null && echo 'program iptables'
printf '%s\n' "$table_names"
case $nf_tables$table_names in
yes* | likely* | *ip_tables_names:raw*) ;;
*)
  [ -r "/lib/modules/$release/modules.dep" ] && echo 'dependencies'
  grep -s -m 1 -e iptable_raw -e '/nf_tables\.ko' "/lib/modules/$release/modules.dep" "/lib/modules/$release/modules.builtin" \
    /proc/modules
  ;;
esac
:`

const legacy = sh`case $table_names in */ip_tables_names:*) [ -n "$legacy" ] ;; *) false ;; esac`
const legacy6 = sh`case $table_names in */ip6_tables_names:*) [ -n "$legacy6" ] ;; *) false ;; esac`
const nfTables = sh`case $nf_tables in yes | likely) ;; *) false ;; esac`

/** Each dump costs a few processes, so it is only made where there may be something to dump. */
const dumps: readonly Probe[] = [
  { name: 'firewall-legacy-ip', probe: sh`$legacy"-save"`, onlyIf: legacy },
  { name: 'firewall-legacy-ip6', probe: sh`$legacy6"-save"`, onlyIf: legacy6 },
  { name: 'firewall-nft-ip', probe: sh`$nft"-save"`, onlyIf: sh`[ -n "$nft" ] && ${nfTables}` },
  { name: 'firewall-nft-ip6', probe: sh`$nft6"-save"`, onlyIf: sh`[ -n "$nft6" ] && ${nfTables}` },
  { name: 'firewall-nft-ruleset', probe: sh`nft -j list ruleset`, onlyIf: nfTables },
]

export const firewall: Fact<FirewallFacts> = {
  name: 'firewall',
  setup,
  probes: [
    { name: 'firewall', probe: overview, bytes: 'own' },
    ...dumps.map((probe) => ({ ...probe, bytes: LONGEST_DUMP })),
  ],
  parse(sections) {
    const overviewOf = readWith(sections('firewall'), ({ code, output }) => {
      if (code !== 0) return unknown(`the probe of the firewall ended early, with code ${code}`)
      return output.startsWith('proc\n') ? overviewIn(output) : unknown('/proc/net could not be read')
    })
    const nftRuleset = readWith(overviewOf, (seen) => rulesetIn(sections, seen))
    return {
      legacy: {
        ip: readWith(overviewOf, (seen) => legacyDump(sections, seen, 'ip')),
        ip6: readWith(overviewOf, (seen) => legacyDump(sections, seen, 'ip6')),
      },
      nft: {
        ip: readWith(overviewOf, (seen) => nftDump(sections, seen, 'ip')),
        ip6: readWith(overviewOf, (seen) => nftDump(sections, seen, 'ip6')),
      },
      nftRuleset,
      tools: readWith(overviewOf, toolsOf),
      rawTable: readWith(overviewOf, (seen) => rawTableOf(seen, nftRuleset)),
    }
  },
}

type Family = 'ip' | 'ip6'
type Overview = {
  readonly text: string
  readonly lines: readonly string[]
  readonly root: boolean
  /** `likely`: nothing can load, so the tools may be asked. */
  readonly nfTables: 'yes' | 'no' | 'likely' | 'unknown'
  readonly legacy: string | null
  readonly nft: string | null
  /** The tables that exist, as each family's /proc/net/…_tables_names lists them. */
  readonly tables: Readonly<Record<Family, readonly string[]>>
}

function overviewIn(text: string): Reading<Overview> {
  const lines = linesOf(text, 500)
  const told = (word: string) =>
    lines
      .find((line) => line.startsWith(`${word} `))
      ?.slice(word.length + 1)
      .trim() || null
  const nfTables = told('nf_tables')
  const legacy = told('legacy')
  const nft = told('nft')
  if (legacy !== null && !/^iptables(-legacy)?$/.test(legacy)) return notUnderstood('the legacy iptables', legacy)
  if (nft !== null && !/^iptables(-nft)?$/.test(nft)) return notUnderstood('the iptables for nf_tables', nft)
  const files = filesIn(text)
  return known({
    text,
    lines,
    root: lines.includes('root'),
    nfTables: nfTables === 'yes' || nfTables === 'no' || nfTables === 'likely' ? nfTables : 'unknown',
    legacy,
    nft,
    tables: {
      ip: files.get('/proc/net/ip_tables_names') ?? [],
      ip6: files.get('/proc/net/ip6_tables_names') ?? [],
    },
  })
}

function legacyDump(sections: Sections, seen: Overview, family: Family): RuleDump {
  if (!seen.lines.includes(`registered ${family}`)) return known(null)
  if (!seen.root) return unknown('only root may list legacy rules')
  if (seen.tables[family].length === 0) return known(null)
  if (seen.legacy === null) return unknown('legacy tables are live, and no iptables-save on the host serves them')
  return dump(sections, `firewall-legacy-${family}`, `${toolOf(seen.legacy, family)}-save`)
}

/** Without a save tool of iptables, its tables in nf_tables are read from nft's own listing like any other. */
function nftDump(sections: Sections, seen: Overview, family: Family): RuleDump {
  const barred = nfTablesBarred(seen)
  if (barred !== undefined) return barred
  if (seen.nft === null) return known(null)
  return dump(sections, `firewall-nft-${family}`, `${toolOf(seen.nft, family)}-save`)
}

function rulesetIn(sections: Sections, seen: Overview): RuleDump {
  const barred = nfTablesBarred(seen)
  if (barred !== undefined) return barred
  if (!seen.lines.includes('program nft')) {
    return unknown('the kernel may hold nf_tables rules, and there is no nft on the host to list them')
  }
  return readWith(whole(sections, 'firewall-nft-ruleset', 'nft -j list ruleset'), (json) => {
    if (!json.trimStart().startsWith('{')) return unknown('nft -j list ruleset printed no JSON')
    // An empty ruleset is the tool's own data about itself alone.
    return known(/"(table|chain|rule|set|map|flowtable)": *\{/.test(json) ? json : null)
  })
}

/** Why nf_tables was not asked, as an answer or as an unknown; undefined where it was. */
function nfTablesBarred({ nfTables, root }: Overview): RuleDump | undefined {
  if (nfTables === 'no') return known(null)
  if (!root) return unknown('only root may list nf_tables rules')
  return nfTables === 'unknown'
    ? unknown(
        'nf_tables is not in /proc/modules, and without modules.builtin it cannot be told whether asking would load it',
      )
    : undefined
}

function dump(sections: Sections, section: string, tool: string): RuleDump {
  return readWith(whole(sections, section, tool), (text) => {
    if (/^\*\w/m.test(text)) return known(text)
    // Comments and blank lines are what is left where there is no table.
    const odd = /^[^#\s].*/m.exec(text)?.[0]
    return odd === undefined ? known(null) : notUnderstood(`what ${tool} printed`, odd)
  })
}

function whole(sections: Sections, section: string, tool: string): Reading<string> {
  return readWith(sections(section), ({ code, output, truncated }) => {
    if (truncated || output.length > LONGEST_DUMP) return unknown(`${tool} printed more than ${LONGEST_DUMP} bytes`)
    return code === 0 ? known(output) : unknown(`${tool} exited ${code}`)
  })
}

function toolOf(name: string, family: Family): string {
  return family === 'ip' ? name : name.replace(/^ip/, 'ip6')
}

function toolsOf({ lines, legacy, nft }: Overview): FirewallFacts['tools'] {
  const backend = lines.find((line) => line.startsWith('backend '))?.slice(8)
  const isBackend = backend === 'legacy' || backend === 'nft'
  if (!isBackend && lines.includes('program iptables')) {
    return unknown('without readlink on the host it cannot be told which backend iptables-save serves')
  }
  return known({ legacy, nft, defaultBackend: isBackend ? backend : null, native: lines.includes('program nft') })
}

/** raw came with 2.6; nf_tables has its own way to do the same. */
function rawTableOf(seen: Overview, nftRuleset: RuleDump): Reading<boolean> {
  const release = seen.lines.find((line) => line.startsWith('release '))?.slice(8) ?? ''
  if (/^2\.[0-4]\./.test(release)) return known(false)
  if (seen.nfTables === 'yes' || seen.tables.ip.includes('raw')) return known(true)
  if (seen.nfTables === 'likely' && seen.root && nftRuleset.known) return known(true)
  const found = [...filesIn(seen.text)].some(
    ([path, [line = '']]) => !path.startsWith('/proc/net/') && /iptable_raw|nf_tables/.test(line),
  )
  if (found) return known(true)
  if (seen.lines.includes('dependencies')) return known(false)
  return unknown('the raw table is not in use, and /lib/modules does not tell whether the kernel has it')
}
