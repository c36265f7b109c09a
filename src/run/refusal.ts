import { ROOT } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import { heldBy } from './held-by.ts'
import type { SeenJournal } from './journal-link.ts'

/** Why the host did not begin, as its journal has it; nothing was touched. */
export function refusal({ records, transaction }: SeenJournal): Fault {
  const record = records.findLast(({ word }) => word === 'refused')
  const said = record?.detail ?? ''
  const [, word = '', detail = ''] = /^(\S+) ?(.*)$/.exec(said) ?? []
  if (isKnown(word)) return REFUSALS[word](detail, record?.at ?? 0)
  return {
    code: 'step-failed',
    message: `transaction ${transaction} could not begin (${said}); nothing was touched`,
    next: 'look at what is said there on the host, then plan again: ctfleet plan',
  }
}

/** The first word that the transaction's script says after `refused`. */
type Refused = 'locked' | 'drifted' | 'disk' | 'closed' | 'stage' | 'switch'

const REFUSALS: Readonly<Record<Refused, (detail: string, at: number) => Fault>> = {
  locked,
  drifted: () => ({
    code: 'drifted',
    message: 'it is no longer as the plan saw it; nothing was touched',
    next: 'plan again: ctfleet plan',
  }),
  disk: () => ({
    code: 'step-failed',
    message: `it could not begin: what it has to remember could not be written to ${ROOT}; nothing was touched`,
    next: `on the host: is there room (df ${ROOT}; df -i ${ROOT}), and may it be written? Then plan again: ctfleet plan`,
  }),
  closed: () => ({
    code: 'step-failed',
    message: 'somebody closed this change on the host before it began, by ctfleet resume; nothing was touched',
    next: 'plan again: ctfleet plan',
  }),
  stage: (detail) => ({
    code: 'step-failed',
    message: `it could not begin: what is to be put in place could not be made ready${detail === '' ? '' : ` (${detail})`}; nothing was touched`,
    next: 'on the host: may the directories of these files be written, and is there room? Then plan again: ctfleet plan',
  }),
  switch: () => ({
    code: 'step-failed',
    message: "it could not begin: the dead-man's switch did not start within 10 s; nothing was touched",
    next: 'on the host: is it too busy (uptime), or out of memory or processes (dmesg)? Then plan again: ctfleet plan',
  }),
}

function isKnown(word: string): word is Refused {
  return Object.hasOwn(REFUSALS, word)
}

/** `ID since SECONDS until SECONDS run RUN by WHO`, `until` of first aid alone; without an ID where nobody holds it. */
function locked(detail: string, seenAt: number): Fault {
  const [, transaction, since = '', until, run, by] =
    /^(\S{1,60}) since (\d{0,12})(?: until (\d{1,12}))? ?(?:run (.{1,40}?) by (.{0,80}))?/.exec(detail) ?? []
  if (transaction === undefined) {
    // It could not be written, or was just being made.
    return {
      code: 'locked',
      message: `its lock, ${ROOT}/lock, could not be taken, and names nobody: it may be that nothing can be written there, or that another transaction began just then; nothing was touched`,
      next: `run the same command again; if it says the same, on the host: is there room (df ${ROOT}), and may it be written?`,
    }
  }
  return heldBy({
    transaction,
    since: since === '' ? null : Number(since),
    asker: run === undefined || by === undefined ? null : { run, by },
    until: until === undefined ? null : Number(until),
    beforeRestart: false,
    seenAt,
  })
}
