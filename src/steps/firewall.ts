import { deleteEntries, flowSchema } from '../firewall/flow-entries.ts'
import { leavesUntracked } from '../firewall/leaves-untracked.ts'
import { NFT_EDITOR } from '../firewall/nft-editor.ts'
import { takeKept } from '../firewall/normalise.ts'
import { iptablesTools, RULE_READER, RULE_WRITER } from '../firewall/rule-editor.ts'
import { z } from '../input/schema.ts'
import type { Json } from '../model/json.ts'
import { known, unknown } from '../model/reading.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

const oneLine = z
  .string()
  .max(4096)
  .regex(/^[^\n\0]*$/, 'expected one line')
const name = z.string().regex(/^[A-Za-z0-9_.:+-]{1,64}$/, 'expected the name of a table or chain')
const nftTable = z
  .string()
  .regex(/^(ip|ip6|inet) [A-Za-z_][A-Za-z0-9_.-]{0,63}$/, 'expected a family and the name of a table')

const edit = z.strictObject({
  backend: z.enum(['legacy', 'nft', 'native']),
  family: z.enum(['ip', 'ip6', 'inet']),
  table: z.union([name, nftTable]),
  chain: name,
  action: z.enum(['add', 'remove']),
  spec: oneLine,
  key: z.string().regex(/^[A-Za-z0-9:_.-]+$/),
  after: oneLine.nullable(),
  before: oneLine.nullable(),
  /** Of a rule of nft's own that goes: where it was when it was judged. */
  handle: z.number().int().nonnegative().optional(),
})

type Edit = z.output<typeof edit>
type Want = {
  readonly edits: readonly Edit[]
  /** Flows that the added rules leave untracked; their entries go first when the rules are taken away again. */
  readonly flows?: readonly z.output<typeof flowSchema>[] | undefined
}
/** Which of the rules are there, by key. Position is not state: it is found again by the neighbours. */
type State = { readonly rules: { readonly [key: string]: boolean } }

/**
 * Rules of one table of iptables in one atomic restore, or of all of nft's own tables in one atomic `nft -f`: added ones are
 * known by their comment, removed ones by their text.
 */
export const firewall: StepKindSpec<Want, State> = {
  kind: 'firewall',
  summary:
    'adds and removes firewall rules, each beside its neighbours, atomically for each table of iptables and for nft',
  phase: 'runtime',
  want: z.strictObject({ edits: z.array(edit).min(1), flows: z.array(flowSchema).optional() }),
  title({ edits }) {
    const adds = edits.filter(({ action }) => action === 'add').length
    const verbs = [
      adds > 0 ? `add ${counted(adds)}` : '',
      adds < edits.length ? `remove ${counted(edits.length - adds)}` : '',
    ]
    return `${verbs.filter((verb) => verb !== '').join(', ')} in ${placeOf(edits)}`
  },
  // Where the rules that leave packets untracked come last: until then their twins have nothing to do.
  split({ edits, flows }) {
    const groups = [...new Set(edits.map(groupOf))].map((group) => {
      const mine = edits.filter((each) => groupOf(each) === group)
      const untracks = mine.some(leavesUntracked)
      return { mine, untracks, isLast: isRaw(group) || untracks }
    })
    return groups
      .toSorted((a, b) => Number(a.isLast) - Number(b.isLast))
      .map(({ mine, untracks }) => ({ edits: mine, ...(untracks && flows !== undefined ? { flows } : {}) }))
  },
  probe: ({ edits }) => lines(editorFor(edits, 'reads'), ...edits.map((each) => ask(each, edits))),
  read(probed, { edits }) {
    const rules: Record<string, boolean> = {}
    for (const { key, table, chain, spec } of edits) {
      const row = probed.split('\n').find((each) => each.startsWith(`${key} `))
      if (row === `${key} odd`)
        return unknown(
          `nft on this host prints this rule, or one beside it, otherwise than it is known: ${table} ${chain}: ${spec}`,
        )
      if (row !== `${key} yes` && row !== `${key} no`)
        return unknown(`the rules of ${placeOf(edits)} could not be listed`)
      rules[key] = row.endsWith(' yes')
    }
    return known({ rules })
  },
  goal: (_now, { edits }) => ({ rules: Object.fromEntries(edits.map(({ key, action }) => [key, action === 'add'])) }),
  transition(from, to, { edits, flows }) {
    const moved = edits.filter(({ key }) => from.rules[key] !== to.rules[key])
    const takesAway = moved.some(({ key, action }) => action === 'add' && to.rules[key] === false)
    const comes = moved.filter(({ key }) => to.rules[key] === true)
    return lines(
      // Stale entries would make every later packet of a live flow INVALID once it is tracked again.
      ...(takesAway ? (flows ?? []).map((flow) => sh`( ${deleteEntries(flow)} ) || :`) : []),
      editorFor(edits, 'writes'),
      ...(comes.some(isOwn) ? [sh`own_table`] : []),
      // Neighbours are looked for before any of them goes; of equal rules the last goes first.
      ...comes.map((each) => put(each, edits)),
      ...moved
        .filter(({ key }) => to.rules[key] !== true)
        .reverse()
        .map((each) => take(each, edits)),
      sh`commit_rules`,
    )
  },
  relief(from, to, { edits, flows }) {
    const moved = edits.filter(({ key }) => from.rules[key] !== to.rules[key])
    const come = moved.filter(({ action }) => action === 'add')
    return {
      relief: 'rules',
      // The schema that checked them makes nothing but JSON.
      gone: moved.filter(({ action }) => action === 'remove') as readonly Json[],
      come: come.length > 0,
      untracked: come.some(leavesUntracked) ? (flows ?? []) : [],
    }
  },
  show: (state, { edits }) =>
    edits
      .filter(({ key }) => state.rules[key] === true)
      .map(({ backend, table, chain, spec }) =>
        backend === 'native' ? `${table} ${chain}: ${spec}` : `-t ${table} -A ${chain} ${spec}`,
      ),
}

function counted(rules: number): string {
  return rules === 1 ? '1 rule' : `${rules} rules`
}

function placeOf(edits: readonly Edit[]): string {
  const { family, table } = edits[0] as Edit
  if (isNative(edits)) return `nft ${[...new Set(edits.map((each) => each.table))].join(' and ')}`
  return `${family === 'ip' ? 'IPv4' : 'IPv6'} ${table}`
}

function groupOf({ backend, family, table }: Edit): string {
  return backend === 'native' ? 'native' : `${backend} ${family} ${table}`
}

function isRaw(group: string): boolean {
  return group.endsWith(' raw')
}

function isNative(edits: readonly Edit[]): boolean {
  return edits[0]?.backend === 'native'
}

function isOwn({ table }: Edit): boolean {
  return table === 'inet ctfleet'
}

function editorFor(edits: readonly Edit[], what: 'reads' | 'writes'): Script {
  const { backend, family, table } = edits[0] as Edit
  if (backend === 'native' || family === 'inet') return NFT_EDITOR
  return lines(
    iptablesTools({ backend, family, table }),
    // Before a change the table is looked at itself.
    what === 'reads' ? takeKept({ backend, family }) : sh`take_kept() { false ; }`,
    RULE_READER,
    ...(what === 'writes' ? [RULE_WRITER] : []),
    sh`load_rules ${[...new Set(edits.map(({ chain }) => chain))]}`,
  )
}

/** The chain in the words of its editor. */
function chainOf({ backend, table, chain }: Edit): readonly string[] {
  return backend === 'native' ? [...table.split(' '), chain] : [chain]
}

/** How the editor knows a rule: an added one by its comment, any other by its text. */
function named({ action, key, spec }: Edit): string {
  return action === 'add' ? `#${key}` : spec
}

/** Of rules with the same text in one chain, the first edit means the first and so on. */
function nth(each: Edit, edits: readonly Edit[]): number {
  const equal = edits.filter(
    (other) => other.table === each.table && other.chain === each.chain && named(other) === named(each),
  )
  return equal.indexOf(each) + 1
}

function ask(each: Edit, edits: readonly Edit[]): Script {
  const { key, handle } = each
  if (each.backend === 'native') {
    const place = [handle === undefined ? '' : `${handle}`, each.after ?? '^', each.before ?? '$']
    return sh`see_rule ${chainOf(each)} ${named(each)} ${nth(each, edits)} ${key} ${place}`
  }
  return sh`if find_rule ${chainOf(each)} ${named(each)} ${nth(each, edits)} ; then printf '%s yes\n' ${key} ; else printf '%s no\n' ${key} ; fi`
}

function put(each: Edit, edits: readonly Edit[]): Script {
  const neighbour = (spec: string | null, end: string): string => {
    if (spec === null) return end
    if (each.backend === 'native') return spec
    const ours = edits.find((other) => other.action === 'add' && other.chain === each.chain && other.spec === spec)
    return ours === undefined ? spec : named(ours)
  }
  const place = [neighbour(each.after, '^'), neighbour(each.before, '$')]
  return sh`put_rule ${chainOf(each)} ${named(each)} ${nth(each, edits)} ${each.spec} ${place} || exit 3`
}

function take(each: Edit, edits: readonly Edit[]): Script {
  return sh`take_rule ${chainOf(each)} ${named(each)} ${nth(each, edits)}`
}
