import { bindReadings, type View } from '../expression/bind-readings.ts'
import { evaluate } from '../expression/expression.ts'
import type { Facts } from '../model/facts.ts'
import { sentenceOf } from '../playbook/sentence.ts'
import type { Found, Untold } from './audit-rule.ts'
import type { SiteRule, Worded } from './policy.ts'

/** A site's own rule on one host. What it asks and the host does not tell is said, and never taken for no. */
export function judgeOwn(
  { id, when, title, remedy }: SiteRule,
  facts: Facts,
): readonly ((Omit<Found, 'remedy'> & { readonly remedy: string | null }) | Untold)[] {
  const view = bindReadings({ ...facts, facts })
  const held = evaluate(when, view.bindings, view.whyUnknown)
  const untold = `whether ${id} holds`
  switch (held.type) {
    case 'unsure':
      return [{ untold, why: held.why }]
    case 'failed':
      return [{ untold, why: held.message }]
    case 'value': {
      if (held.value === false) return []
      if (held.value !== true) return [{ untold, why: `it gives ${JSON.stringify(held.value)}, no true or false` }]
      return [
        {
          title: said(title, view) ?? id,
          evidence: [when.text.replaceAll(/\s+/g, ' ').trim()],
          threshold: null,
          remedy: remedy === null ? null : said(remedy, view),
        },
      ]
    }
  }
}

/** Null where it cannot be worked out on this host, or gives no sentence. */
function said(worded: Worded, { bindings, whyUnknown }: View): string | null {
  if ('text' in worded) return worded.text
  const result = evaluate(worded.expression, bindings, whyUnknown)
  return result.type === 'value' ? sentenceOf(result.value) : null
}
