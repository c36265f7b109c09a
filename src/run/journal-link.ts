import { ASK, FOLLOW_ON, NOT_OURS } from '../journal/conversation.ts'
import { type JournalRecord, parseRecord } from '../journal/records.ts'
import { directoryOf, ROOT } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Script } from '../shell/script.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfOutcome } from './facts-host.ts'
import { askUntil, secondsUntil } from './open-again.ts'

/** The host's journal of one transaction, as far as it was seen here. */
export type SeenJournal = {
  readonly transaction: string
  readonly records: JournalRecord[]
  /** How many there are up to now, and how many of them went by before anybody listened. */
  lines: number
  passed: number
}

export function newSeenJournal(transaction: string): SeenJournal {
  return { transaction, records: [], lines: 0, passed: 0 }
}

/** A transaction of a hundred changes has some hundred records; who goes on talking after so many is no host of ours. */
const MOST_LINES = 20_000

/** Says something to the host about its transaction and listens to the journal until it stands still. */
export async function converse(
  session: Session,
  script: Script,
  words: readonly string[],
  { journal, seconds }: { readonly journal: SeenJournal; readonly seconds: number },
): Promise<{ readonly code: number } | { readonly fault: Fault }> {
  const outcome = await session.run(script, {
    as: 'root',
    arguments: words,
    timeoutMs: seconds * 1000,
    onLine(line) {
      if (journal.lines > MOST_LINES) return void session[Symbol.asyncDispose]()
      const passed = /^# (\d{1,6})$/.exec(line)?.[1]
      if (passed !== undefined) {
        journal.lines = journal.passed = Number(passed)
        return
      }
      journal.lines += 1
      const record = parseRecord(line)
      if (record !== null) journal.records.push(record)
    },
  })
  if ('refused' in outcome) return { fault: outcome.refused }
  const fault = faultOfTalk(outcome, 'carrying the transaction')
  if (fault !== null) return { fault }
  if (journal.lines > MOST_LINES) return { fault: endless(journal.transaction) }
  return { code: outcome.type === 'exited' ? outcome.code : 0 }
}

/**
 * After a lost link: comes back, as often as it takes, and reads on where it was cut off.
 * @returns why not, when the host could not be asked until the deadline; `gone`: it knows no such transaction; `silent`: it
 * could be asked, and its journal does not say how this ended.
 */
export async function pickUp(
  host: Host,
  journal: SeenJournal,
  deadline: number,
): Promise<'picked-up' | 'gone' | 'silent' | { readonly fault: Fault }> {
  const told = await askUntil(host, deadline, {
    async ask(session) {
      await using asked = session
      const seconds = secondsUntil(deadline)
      const words = [journal.transaction, String(journal.lines), String(seconds)]
      return await converse(asked, FOLLOW_ON, words, { journal, seconds: seconds + 5 })
    },
    isEnd: (told) => 'code' in told && (told.code === 0 || told.code === 7),
  })
  // Who was let in, and heard nothing until the time was over, could ask.
  if ('fault' in told) return told.fault.code === 'timed-out' ? 'silent' : told
  if (told.code === 7) return 'gone'
  return told.code === 0 ? 'picked-up' : 'silent'
}

/** Of a host that was heard to the end and did not say how this ended: it takes longer than any should, or nobody can write there. */
export function silent({ transaction }: SeenJournal, what: 'change' | 'rollback', seconds: number): Fault {
  const dir = directoryOf(transaction)
  return {
    code: 'timed-out',
    message: `it can be asked, and has not said within ${seconds} s how its ${what} ended; is /var/lib writable there?`,
    next: `on the host: df /var/lib, then cat ${dir}/journal ${dir}/log`,
  }
}

export type TransactionAnswer =
  /** The host never began it, and from now on cannot. */
  { readonly never: true } | { readonly journal: SeenJournal } | { readonly fault: Fault }

/** Asks a host how a transaction stands that nobody listens to any more. */
export async function askAbout(session: Session, transaction: string): Promise<TransactionAnswer> {
  const outcome = await session.run(ASK, { as: 'root', arguments: [transaction], timeoutMs: 60_000 })
  if ('refused' in outcome) return { fault: outcome.refused }
  const fault = faultOfTalk(outcome, 'asking for the transaction')
  if (fault !== null) return { fault }
  const stdout = 'stdout' in outcome ? outcome.stdout : ''
  const rows = stdout.split('\n').slice(0, -1)
  if (rows.includes('# never')) return { never: true }
  const [from, to] = [rows.indexOf('# journal'), rows.lastIndexOf('# end')]
  if (from === -1 || to < from) return { fault: unreadable(transaction) }
  const lines = rows.slice(from + 1, to)
  const records = lines.flatMap((line) => parseRecord(line) ?? [])
  return { journal: { transaction, records, lines: lines.length, passed: 0 } }
}

/** Why a host's answer about its transactions is none; null where it is one. */
export function faultOfTalk(outcome: Outcome, doing: string): Fault | null {
  if (outcome.type !== 'exited' || outcome.code !== NOT_OURS) return faultOfOutcome(outcome, doing)
  const message = `${ROOT} is a link, or others than root may write to it: what they may have put there is not run`
  const next = `on the host: ls -ld ${ROOT}; then make it root's again, or move it away where nothing of it is needed`
  return { code: 'step-failed', message, next }
}

function endless(transaction: string): Fault {
  const message = `its journal of transaction ${transaction} has no end`
  return {
    code: 'unreadable',
    message,
    next: `on the host: ls -l ${directoryOf(transaction)}; what is it that writes there?`,
  }
}

function unreadable(transaction: string): Fault {
  const message = `the host does not say how transaction ${transaction} stands`
  return { code: 'unreadable', message, next: `look at the disk of the host, and at ${directoryOf(transaction)} there` }
}
