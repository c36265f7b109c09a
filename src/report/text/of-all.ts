import type { IndicativePlan } from '../../model/indicative.ts'
import type { Plan } from '../../model/plan.ts'
import { gateTexts } from './gates.ts'
import { groups } from './groups.ts'
import { atMost, type Detail, leftOutText } from './parts.ts'
import { type AnyResult, names } from './status.ts'

/** Hosts that are shown together, and how much of them. */
export type Shown = { readonly group: readonly AnyResult[]; readonly detail: Detail }

/** What a person has to know of the plans of all. */
export function notesOf(shown: Shown): readonly string[] {
  return ofAll(shown, (plan) => [...plan.notes, ...('rollbackNotes' in plan ? plan.rollbackNotes : [])])
}

/** What has to be accepted is never left out. */
export function lossOf({ group }: Shown): readonly string[] {
  return ofAll({ group, detail: 'full' }, (plan) => ('sessionLoss' in plan ? (plan.sessionLoss ?? []) : []))
}

/** What is checked before their changes are kept. */
export function gatesOf(shown: Shown): readonly string[] {
  return ofAll(shown, (plan) => ('gates' in plan ? gateTexts(plan) : []))
}

/** What all have, then what has numbers of each host's own. */
function ofAll({ group, detail }: Shown, textsOf: (plan: Plan | IndicativePlan) => readonly string[]) {
  const all = group.flatMap((result) => {
    if (!('plan' in result) || result.plan === null) return []
    return [{ host: result.host, texts: textsOf(result.plan) }]
  })
  const everywhere = (text: string) => all.every(({ texts }) => texts.includes(text))
  const [first] = all
  const own = all.flatMap(({ host, texts }) =>
    texts.filter((text) => !everywhere(text)).map((text) => ({ host, text })),
  )
  return [
    ...(first?.texts.filter(everywhere) ?? []),
    ...atMost(
      groups(own, ({ text }) => text).map(([text, those]) => `${namesShown(those, detail)}: ${text}`),
      { most: MOST_OWN, detail },
      (count) => [leftOutText(count, 'more such line', 'more such lines')],
    ),
  ]
}

const MOST_OWN = 6
const MOST_NAMES = 20

function namesShown(those: readonly { readonly host: string }[], detail: Detail): string {
  return names(those, detail === 'full' ? those.length : MOST_NAMES)
}
