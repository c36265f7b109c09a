import type { HostKey, KeyStanding, KeysResult } from '../../model/host-keys.ts'
import { type Paper, type Piece, paragraph, type Tone, visible } from '../format.ts'
import { byCause, commonFault, faultLines } from './fault.ts'
import { names } from './status.ts'

/** Each host with the keys that it shows, and what the files say of each; last, once for each cause, those that showed none. */
export function keysText(paper: Paper, results: readonly KeysResult[]): readonly string[] {
  const asked = results.filter((result): result is Asked => result.status === 'asked')
  const type = Math.max(0, ...asked.flatMap(({ keys }) => keys.map((key) => key.type.length)))
  return [
    ...asked.flatMap((result) => [
      ...paragraph(paper, HANGING, ...headOf(result)),
      ...result.keys.flatMap((key) => {
        const indent = { first: `  ${visible(key.type).padEnd(type)}  `, rest: '      ' }
        return paragraph(paper, indent, `${key.fingerprint} `, ...standingOf(key))
      }),
    ]),
    ...byCause(results.filter((result) => result.status !== 'asked')).flatMap((group) => fallenLines(paper, group)),
  ]
}

type Asked = Extract<KeysResult, { readonly status: 'asked' }>
type Fallen = Exclude<KeysResult, Asked>

const HANGING = { first: '', rest: '    ' }

/** What became of them, a line for each host of which there is something to say. */
export function decisionsText(paper: Paper, results: readonly KeysResult[]): readonly string[] {
  return results.flatMap((result) => {
    if (result.status !== 'asked') return []
    const said = saidOf(result)
    if (said === null) return []
    return paragraph(paper, { first: '', rest: '    ' }, { tone: 'strong', text: visible(result.host) }, ': ', ...said)
  })
}

function headOf({ host, address, port }: Asked): readonly Piece[] {
  const at = port === 22 ? '' : ` port ${port}`
  const place = host === address ? at : ` (${visible(address)}${at})`
  return [{ tone: 'strong', text: visible(host) }, place]
}

function fallenLines(paper: Paper, group: readonly Fallen[]): readonly string[] {
  const [first] = group
  if (first === undefined) return []
  const head = { tone: 'strong', text: visible(names(group)) } as const
  if (first.status === 'not-reached') return paragraph(paper, HANGING, head, ': not reached, ', visible(first.why))
  const status = { tone: 'bad', text: first.status } as const
  return [
    ...paragraph(paper, HANGING, head, ': ', status),
    ...faultLines(paper, '    ', commonFault(group) ?? first.fault),
  ]
}

const STANDINGS: Readonly<Record<KeyStanding, { readonly tone: Tone; readonly text: string }>> = {
  known: { tone: 'good', text: 'known' },
  new: { tone: 'warn', text: 'new' },
  changed: { tone: 'bad', text: 'CHANGED' },
  revoked: { tone: 'bad', text: 'REVOKED' },
}

function standingOf({ standing, origin }: HostKey): readonly Piece[] {
  if (origin === null) return [STANDINGS[standing]]
  return [
    STANDINGS[standing],
    standing === 'changed' ? `: ${visible(origin)} has another one` : ` at ${visible(origin)}`,
  ]
}

function saidOf({ decision, file, why }: Asked): readonly Piece[] | null {
  switch (decision) {
    case 'nothing-new':
    case 'shown':
      return null
    case 'written':
      return [{ tone: 'good', text: 'written' }, ` to ${visible(file ?? '')}`]
    case 'declined':
    case 'skipped':
      return [{ tone: 'faint', text: decision }]
    case 'withheld':
      return [{ tone: 'bad', text: 'nothing is written' }, ' while one of its keys is not the one that is known']
    case 'unwritten':
      return [{ tone: 'bad', text: 'could not be written' }, `: ${visible(why ?? '')}`]
  }
}
