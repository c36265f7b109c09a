import type { Backend, Family, LiveRules } from '../../src/firewall/rules.ts'
import type { Facts, FirewallFacts, RuleDump } from '../../src/model/facts.ts'
import { known, type Reading } from '../../src/model/reading.ts'
import { liveRules } from '../../src/strategies/live-rules.ts'
import type { Ended } from '../lab/command.ts'
import { normaliseDump } from '../lab/dump.ts'
import type { Agent } from './agent.ts'

/** A way to write rules: how they come into a host, and which lines of a text may be left out. */
type RuleKind = {
  load(host: Agent, rules: Pick<Loaded, 'family' | 'text'>): Promise<Ended>
  /** The number of the line that the tool refused, in what it complained of. */
  readonly refused: RegExp
  readonly isRule: (line: string) => boolean
}

export type Kind = Backend
/** nft's own rules are for both families. */
export type Loaded = { readonly kind: Kind; readonly family: Family | 'inet'; readonly text: string }

export const KINDS: Readonly<Record<Kind, RuleKind>> = {
  legacy: iptables('legacy'),
  nft: iptables('nft'),
  native: {
    load: async (host, { text }) => await host.run(['nft', '-f', '-'], text),
    refused: /^\S*stdin:(\d+):/m,
    isRule: (line) => /^ {4}(?!type )/.test(line),
  },
}

/** All that the host's firewall holds, as its own tools print it. */
export async function dumpRules(host: Agent): Promise<string> {
  const { code, stdout, stderr } = await host.run(['sh', '-c', EVERY_DUMP])
  if (code !== 0) throw new Error(`the rules could not be printed: ${stderr}`)
  return stdout
}

/** What ctfleet sees of them. */
export function readDump(dump: string): Reading<readonly LiveRules[]> {
  const section = (title: string) => new RegExp(`^@@ ${title}\n([^]*?)(?=^@@ |(?![^]))`, 'm').exec(dump)?.[1] ?? ''
  const saved = (tool: string): Readonly<Record<Family, RuleDump>> => ({
    ip: known(used(section(`${tool} ip`))),
    ip6: known(used(section(`${tool} ip6`))),
  })
  const firewall: Pick<FirewallFacts, 'legacy' | 'nft' | 'nftRuleset'> = {
    legacy: saved('legacy'),
    nft: saved('xtables-nft'),
    nftRuleset: known(section('json')),
  }
  return liveRules({ firewall } as Facts)
}

/** Tables that others left here empty are none. */
function used(dump: string): string | null {
  return /^(-A |:\S+ (DROP|-))/m.test(dump) ? dump : null
}

/** A dump without counters, and without what packets write and what is as good as nothing: two of the same host are equal. */
export function sameRules(dump: string): string {
  const written = /(\n\t\tflags [^\n]*dynamic[^\n]*(?:\n\t\t\w+ [^={\n]*)*)\n\t\telements = \{[^}]*\}/g
  return normaliseDump(dump.replace(/^@@ json\n.*\n?/m, '').replace(written, '$1'))
}

/** Takes every rule, set and entry away. Legacy tables stay, empty. */
export async function clearRules(host: Agent): Promise<void> {
  const { code, stderr } = await host.run(['sh', '-c', CLEAR])
  if (code !== 0) throw new Error(`the rules could not be cleared: ${stderr}`)
}

function iptables(backend: 'legacy' | 'nft'): RuleKind {
  return {
    load: async (host, { family, text }) => await host.run([`${family}tables-${backend}-restore`, '-w', '10'], text),
    refused: /line:? (\d+)/,
    isRule: (line) => line.startsWith('-A '),
  }
}

// The handles in the JSON are for reading it alone.
const EVERY_DUMP = `set -e
for family in ip ip6; do
  echo "@@ legacy $family"
  "\${family}tables-legacy-save"
  echo "@@ xtables-nft $family"
  "\${family}tables-nft-save"
done
echo '@@ nft'
nft -s list ruleset
echo '@@ json'
nft -j list ruleset`

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
