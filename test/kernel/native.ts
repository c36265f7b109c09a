import { nativeRules } from '../../src/firewall/nft-live.ts'
import { rulesOf } from '../../src/firewall/nft-rules.ts'
import { type NftRule, type NftRuleset, type NftTable, parseNft } from '../../src/firewall/nft-ruleset.ts'
import type { Chain, Family, LiveRules, Rule } from '../../src/firewall/rules.ts'
import type { Subject } from './hold.ts'
import { type Model, modelOf } from './model.ts'
import { Predictor } from './predict.ts'
import type { Random } from './random.ts'
import { randomFlows } from './traffic.ts'
import type { World } from './world.ts'

const FAMILIES = ['ip', 'ip6'] as const satisfies readonly Family[]

/** Rules in nft's own language and random packets of both families; why not, when nft does not take the rules. */
export async function nativeSubject(
  world: World,
  rules: string,
  random: Random,
  packets: number,
): Promise<Subject | { readonly refused: string }> {
  const load = () => world.loadNft(rules)
  const complaint = await load()
  if (complaint !== null) return { refused: complaint }
  const ruleset = read(await world.listNft('json'))
  const flows = FAMILIES.flatMap((family) => {
    const model = nativeModel(ruleset, family)
    const predictor = new Predictor(model, world.guise, tracks(ruleset, family))
    const wanted = { packets: packets / FAMILIES.length, pieces: true }
    return randomFlows(random, model.live.rules, world.guise, wanted).map((flow) => ({ flow, predictor }))
  })
  const counters = countersIn(ruleset)
  const saved = await world.listNft('text')
  return {
    world,
    rules: counters.size,
    saved,
    flows,
    load,
    counters: async () => countersIn(read(await world.listNft('json'))),
    lineOf: (place) => lineOf(saved, place),
  }
}

function read(listed: string): NftRuleset {
  const ruleset = parseNft(listed)
  if (!ruleset.known) throw new Error(`the model cannot read what nft listed: ${ruleset.why}`)
  return ruleset.value
}

function nativeModel(ruleset: NftRuleset, family: Family): Model {
  const read = nativeRules(ruleset, () => false)
  if (!read.known) throw new Error(`the model cannot read the rules: ${read.why}`)
  const live = read.value.find(({ rules }) => rules.family === family)
  if (live === undefined) return modelOf({ backend: 'native', rules: { family, tables: [] } }, new Map())
  return withCounters(live, ruleset)
}

/** The model's rules and the counter of each: at those that do what its rule does first, or in front of its verdict map. */
function withCounters(live: LiveRules, ruleset: NftRuleset): Model {
  const places = new Map<Rule, string>()
  const tables = live.rules.tables.map((table) => {
    const from = ruleset.tables.find(({ family, name }) => `${family} ${name}` === table.name) as NftTable
    const chains = table.chains.map((chain): Chain => {
      const listed = from.chains.find(({ name }) => name === chain.name)?.rules ?? []
      const rules = listed.flatMap((rule) => {
        const made = chain.rules.filter(({ handle }) => handle === rule.handle)
        const mapped = rule.statements.some(({ vmap }) => vmap !== undefined)
        const counting = mapped ? beforeMap(rule, from) : made.filter(({ target }) => target === made[0]?.target)
        if (counterOf(rule) !== null) {
          for (const each of counting) places.set(each, `${table.name} ${chain.name} ${rule.handle}`)
        }
        return mapped ? [...counting, ...made] : made
      })
      return { ...chain, rules }
    })
    return { ...table, chains }
  })
  return modelOf({ ...live, rules: { ...live.rules, tables } }, places)
}

/** What a counter before a verdict map counts is none of the rules that the map is read as. */
function beforeMap(rule: NftRule, table: NftTable): readonly Rule[] {
  return rulesOf({ ...rule, statements: rule.statements.filter(({ vmap }) => vmap === undefined) }, table)
}

function countersIn({ tables }: NftRuleset): ReadonlyMap<string, number> {
  const counters = new Map<string, number>()
  for (const table of tables) {
    for (const chain of table.chains) {
      for (const rule of chain.rules) {
        const packets = counterOf(rule)
        if (packets !== null) counters.set(`${table.family} ${table.name} ${chain.name} ${rule.handle}`, packets)
      }
    }
  }
  return counters
}

function counterOf({ statements }: NftRule): number | null {
  const counter = statements.find((each) => each.counter !== undefined)?.counter
  if (typeof counter !== 'object' || counter === null || Array.isArray(counter)) return null
  return 'packets' in counter && typeof counter.packets === 'number' ? counter.packets : null
}

/** Handles are a table's own. */
function lineOf(saved: string, place: string): string {
  const [family, table, chain, handle] = place.split(' ')
  const from = saved.indexOf(`table ${family} ${table} {`)
  const lines = saved.slice(from, saved.indexOf('\n}', from)).split('\n')
  const line = lines.find((each) => each.endsWith(` # handle ${handle}`)) ?? ''
  return `${chain}: ${line.trim()}`
}

/** Whether some rule makes the kernel track a family's connections. */
function tracks({ tables }: NftRuleset, family: Family): boolean {
  const own = tables.filter((table) => table.family === family || table.family === 'inet')
  return own.some(({ chains }) => /"ct":\{/.test(JSON.stringify(chains)))
}
