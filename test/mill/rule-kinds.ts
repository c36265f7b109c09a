import { parseRules } from '../../src/firewall/parse.ts'
import type { Backend, Family, LiveRules } from '../../src/firewall/rules.ts'
import { known, type Reading, unknown } from '../../src/model/reading.ts'
import { normaliseDump } from '../lab/dump.ts'
import type { Agent } from './agent.ts'

/**
 * A way to write rules: how they come into a host, what the host then prints, and how that is read back. Another kind, such
 * as native nft, is one more entry.
 */
type RuleKind = {
  /** Null when they are in; what the tool complained of otherwise. */
  load(host: Agent, rules: Pick<Loaded, 'family' | 'text'>): Promise<string | null>
  /** Shell that prints them in sections that `normaliseDump` knows, and changes nothing. */
  readonly dump: string
  /** What ctfleet sees of them. */
  read(sections: (title: string) => string): Reading<readonly LiveRules[]>
}

export type Kind = 'legacy' | 'nft'
export type Loaded = { readonly kind: Kind; readonly family: Family; readonly text: string }

const FAMILIES = ['ip', 'ip6'] as const satisfies readonly Family[]

export const KINDS: Readonly<Record<Kind, RuleKind>> = {
  legacy: iptables('legacy'),
  nft: iptables('nft'),
}

/** All that the host's firewall holds, as its own tools print it. */
export async function dumpRules(host: Agent): Promise<string> {
  const { code, stdout, stderr } = await host.run(['sh', '-c', EVERY_DUMP])
  if (code !== 0) throw new Error(`the rules could not be printed: ${stderr}`)
  return stdout
}

export function readDump(dump: string): Reading<readonly LiveRules[]> {
  const live: LiveRules[] = []
  for (const kind of Object.values(KINDS)) {
    const read = kind.read((title) => new RegExp(`^@@ ${title}\n([^]*?)(?=^@@ |(?![^]))`, 'm').exec(dump)?.[1] ?? '')
    if (!read.known) return read
    live.push(...read.value)
  }
  return known(live)
}

/** A dump without counters and without what is as good as nothing: two of the same host are equal. */
export const sameRules: (dump: string) => string = normaliseDump

/** Takes every rule, set and entry away. Legacy tables stay, empty. */
export async function clearRules(host: Agent): Promise<void> {
  const { code, stderr } = await host.run(['sh', '-c', CLEAR])
  if (code !== 0) throw new Error(`the rules could not be cleared: ${stderr}`)
}

const EVERY_DUMP = `set -e\n${Object.values(KINDS)
  .map(({ dump }) => dump)
  .join('\n')}`

function iptables(backend: Backend): RuleKind {
  const section = (family: Family) => `${backend === 'nft' ? 'xtables-nft' : backend} ${family}`
  return {
    async load(host, { family, text }) {
      const { code, stderr } = await host.run([`${family}tables-${backend}-restore`, '-w', '10'], text)
      return code === 0 ? null : stderr.trim()
    },
    dump: FAMILIES.map((family) => `echo '@@ ${section(family)}'; ${family}tables-${backend}-save`).join('\n'),
    read(sections) {
      const live: LiveRules[] = []
      for (const family of FAMILIES) {
        const rules = parseRules(sections(section(family)), family)
        if (!rules.known) return unknown(`${section(family)}: ${rules.why}`)
        if (rules.value.tables.length > 0) live.push({ backend, rules: rules.value })
      }
      return known(live)
    },
  }
}

const CLEAR = `chains() {
  case $1 in
    raw) echo PREROUTING OUTPUT ;;
    nat) echo PREROUTING INPUT OUTPUT POSTROUTING ;;
    mangle) echo PREROUTING INPUT FORWARD OUTPUT POSTROUTING ;;
    *) echo INPUT FORWARD OUTPUT ;;
  esac
}
for family in ip ip6; do
  for table in $(cat "/proc/net/\${family}_tables_names"); do
    printf '*%s\\n' "$table"
    for chain in $(chains "$table"); do printf ':%s ACCEPT\\n' "$chain"; done
    echo COMMIT
  done | "\${family}tables-legacy-restore" -w 10 || exit
done
nft flush ruleset || exit
conntrack -F > /dev/null 2>&1`
