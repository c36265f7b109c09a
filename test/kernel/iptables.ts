import type { Family } from '../../src/firewall/rules.ts'
import { countersIn, lineOf } from './counters.ts'
import type { Subject } from './hold.ts'
import { readModel } from './model.ts'
import { Predictor } from './predict.ts'
import type { Random } from './random.ts'
import { randomFlows } from './traffic.ts'
import type { Tool, World } from './world.ts'

export type Case = { readonly family: Family; readonly tool: Tool; readonly rules: string }

/** Rules of iptables and random packets for them; why not, when the kernel does not take the rules. */
export async function iptablesSubject(
  world: World,
  { family, tool, rules }: Case,
  random: Random,
  packets: number,
): Promise<Subject | { readonly refused: string }> {
  const load = () => world.load(family, tool, rules)
  const complaint = await load()
  if (complaint !== null) return { refused: complaint }
  const saved = await world.save(family, tool)
  const model = readModel(family, tool, saved)
  const pieces = !/-m socket|-j TPROXY/.test(rules)
  const predictor = new Predictor(model, world.guise, tracks(rules))
  const flows = randomFlows(random, model.live.rules, world.guise, { packets, pieces })
  return {
    world,
    rules: model.places.size,
    saved,
    flows: flows.map((flow) => ({ flow, predictor })),
    load,
    counters: async () => countersIn(await world.save(family, tool)),
    lineOf: (place) => lineOf(saved, place),
  }
}

/** Whether some rule makes the kernel track connections in this namespace. */
function tracks(rules: string): boolean {
  return /-m (state|conn\w+|helper|cluster)\b|-j (CONN\w+|SYNPROXY)\b|-j CT(?! --notrack)(?= |$)|^\*nat/m.test(rules)
}
