import { deleteEntries, flowSchema } from '../firewall/flow-entries.ts'
import { iptablesTools, RULE_EDITOR } from '../firewall/rule-editor.ts'
import { z } from '../input/schema.ts'
import { known, unknown } from '../model/reading.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import type { StepKindSpec } from './step-kind.ts'

const oneLine = z
  .string()
  .max(4096)
  .regex(/^[^\n\0]*$/, 'expected one line')
const name = z.string().regex(/^[A-Za-z0-9_.:+-]{1,64}$/, 'expected the name of a table or chain')

const edit = z.strictObject({
  backend: z.enum(['legacy', 'nft']),
  family: z.enum(['ip', 'ip6']),
  table: name,
  chain: name,
  action: z.enum(['add', 'remove']),
  spec: oneLine,
  key: z.string().regex(/^[A-Za-z0-9:_.-]+$/),
  after: oneLine.nullable(),
  before: oneLine.nullable(),
})

type Edit = z.output<typeof edit>
type Want = {
  readonly edits: readonly Edit[]
  /** Flows that the added rules leave untracked; their entries go first when the rules are taken away again. */
  readonly flows?: readonly z.output<typeof flowSchema>[] | undefined
}
/** Which of the rules are there, by key. Position is not state: it is found again by the neighbours. */
type State = { readonly rules: { readonly [key: string]: boolean } }

/** iptables rules of one family, backend and table, in one atomic restore: added ones are known by their comment. */
export const firewall: StepKindSpec<Want, State> = {
  kind: 'firewall',
  summary: 'adds and removes iptables rules, each beside its neighbours, one atomic restore a table',
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
  split({ edits, flows }) {
    const tables = [...new Set(edits.map(tableKey))].sort((a, b) => Number(isRaw(a)) - Number(isRaw(b)))
    return tables.map((table) => ({
      edits: edits.filter((each) => tableKey(each) === table),
      ...(isRaw(table) && flows !== undefined ? { flows } : {}),
    }))
  },
  probe: ({ edits }) =>
    lines(iptablesTools(toolsFor(edits)), RULE_EDITOR, loadRules(edits), ...edits.map((each) => ask(each, edits))),
  read(probed, { edits }) {
    const rules: Record<string, boolean> = {}
    for (const { key } of edits) {
      const row = probed.split('\n').find((each) => each.startsWith(`${key} `))
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
    return lines(
      // Stale entries would make every later packet of a live flow INVALID once it is tracked again.
      ...(takesAway ? (flows ?? []).map((flow) => sh`( ${deleteEntries(flow)} ) || :`) : []),
      iptablesTools(toolsFor(edits)),
      RULE_EDITOR,
      loadRules(edits),
      // Neighbours are looked for before any of them goes; of equal rules the last goes first.
      ...moved.filter(({ key }) => to.rules[key] === true).map((each) => put(each, edits)),
      ...moved
        .filter(({ key }) => to.rules[key] !== true)
        .reverse()
        .map((each) => take(each, edits)),
      sh`commit_rules`,
    )
  },
  show: (state, { edits }) =>
    edits
      .filter(({ key }) => state.rules[key] === true)
      .map(({ table, chain, spec }) => `-t ${table} -A ${chain} ${spec}`),
}

function counted(rules: number): string {
  return rules === 1 ? '1 rule' : `${rules} rules`
}

function placeOf(edits: readonly Edit[]): string {
  const { family, table } = edits[0] as Edit
  return `${family === 'ip' ? 'IPv4' : 'IPv6'} ${table}`
}

function tableKey({ backend, family, table }: Edit): string {
  return `${backend} ${family} ${table}`
}

function isRaw(key: string): boolean {
  return key.endsWith(' raw')
}

function toolsFor(edits: readonly Edit[]) {
  const { backend, family, table } = edits[0] as Edit
  return { backend, family, table }
}

function loadRules(edits: readonly Edit[]): Script {
  return sh`load_rules ${[...new Set(edits.map(({ chain }) => chain))]}`
}

/** How the editor knows a rule: an added one by its comment, any other by its text. */
function named({ action, key, spec }: Edit): string {
  return action === 'add' ? `#${key}` : spec
}

/** Of rules with the same text in one chain, the first edit means the first and so on. */
function nth(each: Edit, edits: readonly Edit[]): number {
  const equal = edits.filter((other) => other.chain === each.chain && named(other) === named(each))
  return equal.indexOf(each) + 1
}

function ask(each: Edit, edits: readonly Edit[]): Script {
  const { chain, key } = each
  return sh`if find_rule ${chain} ${named(each)} ${nth(each, edits)} ; then printf '%s yes\n' ${key} ; else printf '%s no\n' ${key} ; fi`
}

function put(each: Edit, edits: readonly Edit[]): Script {
  const neighbour = (spec: string | null, end: string): string => {
    if (spec === null) return end
    const ours = edits.find((other) => other.action === 'add' && other.chain === each.chain && other.spec === spec)
    return ours === undefined ? spec : named(ours)
  }
  const place = [neighbour(each.after, '^'), neighbour(each.before, '$')]
  return sh`put_rule ${each.chain} ${named(each)} ${nth(each, edits)} ${each.spec} ${place} || exit 3`
}

function take(each: Edit, edits: readonly Edit[]): Script {
  return sh`take_rule ${each.chain} ${named(each)} ${nth(each, edits)}`
}
