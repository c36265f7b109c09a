import type { HostResult } from '../model/result.ts'
import { paragraph, visible } from '../report/format.ts'
import { endedText } from '../report/text/result.ts'
import { othersThatFit, type Planned } from './approve.ts'
import type { Terminal } from './terminal.ts'

type Ways = {
  readonly askWhich: (
    question: string,
    ones: readonly { readonly name: string; readonly value: string }[],
  ) => Promise<string | null | 'interrupted'>
  readonly another: (planned: Planned, strategy: string) => Promise<HostResult | null>
}

/**
 * Has a person choose among the other strategies that fit a host, and plans it anew with that one.
 * @returns null where there is no other plan than before, which was said.
 */
export async function planAnew(
  planned: Planned,
  { askWhich, another }: Ways,
  { say, notices, interruption }: Terminal,
): Promise<Planned | null | 'interrupted'> {
  const { host, plan } = planned
  const tell = (text: string) => say(paragraph(notices, { first: '  ', rest: '    ' }, text))
  const ones = othersThatFit(planned).map(({ strategy, reasons }) => ({
    name: visible(reasons.length === 0 ? strategy : `${strategy}: ${reasons.join('; ')}`),
    value: strategy,
  }))
  const chosen = await askWhich(`${visible(host)}: which strategy in the place of ${visible(plan.strategy)}?`, ones)
  if (chosen === 'interrupted' || chosen === null) return chosen
  const result = await another(planned, chosen)
  if (interruption.signal.aborted) return 'interrupted'
  if (result?.status === 'planned') return result
  const became = result === null ? 'left out by --where' : `${result.status} ${endedText(result)}`.trim()
  tell(`With ${chosen} it is ${became}. Its plan stays as it was.`)
  return null
}
