import type { Facts } from '../model/facts.ts'
import type { Finding } from '../model/finding.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { counted, duration, grouped } from './numbers.ts'
import type { Thresholds } from './thresholds.ts'

/** How slowly the table empties by itself, in words; each part is a clause. */
export type Drain = {
  /** `half of the 4 096 entries run out within 40 s, nine of ten within 2 h, the last within 4 d 23 h, if no packet of theirs comes` */
  readonly text: string
  /** Its first clause. */
  readonly half: string
  /** The clauses between that and the condition; none of an entry that is alone. */
  readonly rest: readonly string[]
  /** What that was counted from, and what it leaves out; one clause each, none where the whole table was read and told. */
  readonly from: readonly string[]
}

/**
 * Read off the times that the kernel lists. A forecast for flows that fall silent only: every packet gives its entry the
 * whole timeout again.
 */
export function drainOf({ entries }: Facts): Reading<Drain> {
  const { sample } = entries
  if (!sample.known) return sample
  const { remaining, read, total } = sample.value
  if (remaining === null) return unknown('no entry told when it runs out')
  const { told, half, ninety, longest } = remaining
  const whole = read >= total
  const from = [
    ...(whole ? [] : [`from a sample of ${grouped(read)} of ${counted(total, 'entry', 'entries')}`]),
    ...(told < read ? [`${grouped(read - told)} that told no time left out`] : []),
  ]
  const within = { half: duration(half), ninety: duration(ninety), end: duration(longest) }
  if (whole && read === 1) {
    const alone = `the only entry runs out within ${within.end}`
    return known({ text: `${alone}, if no packet of its flow comes`, half: alone, rest: [], from })
  }
  const first = `half of the ${whole ? counted(read, 'entry', 'entries') : 'entries'} run out within ${within.half}`
  const rest = restOf(within, whole ? 'the last' : 'the last one read')
  return known({ text: [first, ...rest, 'if no packet of theirs comes'].join(', '), half: first, rest, from })
}

type Within = { readonly half: string; readonly ninety: string; readonly end: string }

function restOf({ half, ninety, end }: Within, last: string): readonly string[] {
  if (half === end) return ['the others at much the same time']
  return ninety === end ? [`the others within ${end}`] : [`nine of ten within ${ninety}`, `${last} within ${end}`]
}

/** For a table that is too full: when it would have emptied, were no packet of its flows to come any more. */
export function forecast(facts: Facts, thresholds: Thresholds): readonly Finding[] {
  const { usage, count } = facts.conntrack
  const drain = drainOf(facts)
  if (count.known && count.value < thresholds.fewestEntries) return []
  if (!usage.known || usage.value < thresholds.usage || !drain.known) return []
  const { half, rest, from } = drain.value
  const title = `${half} if ${rest.length === 0 ? 'it sees' : 'they see'} no more packets`
  return [
    { rule: 'forecast', severity: 'info', title, evidence: [...(rest.length === 0 ? [] : [rest.join(', ')]), ...from] },
  ]
}
