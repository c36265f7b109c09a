import { randomBytes } from 'node:crypto'
import { factsScript, parseFacts } from '../facts/catalog.ts'
import type { Facts } from '../model/facts.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Outcome } from '../model/outcome.ts'
import type { FactsResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import type { Telling } from './story.ts'

/** Seconds between the two readings of the counters. */
const GAP_SECONDS = 2
const FACTS_TIMEOUT_MS = 60_000

/** Everything that one trip tells about a host; nothing on it changes. */
export async function factsHost(host: Host, { signal, onStage, onFacts }: Telling): Promise<FactsResult> {
  onStage('connecting')
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  const facts = await gatherFacts(session)
  if ('refused' in facts) return { host: host.name, status: 'failed', fault: facts.refused }
  const { notRoot } = facts
  onFacts?.(facts.facts)
  return { host: host.name, status: 'read', facts: facts.facts, ...(notRoot === null ? {} : { notRoot }) }
}

/** `notRoot` is why root was not to be had: then what needs root is unknown in the facts. */
export type GatheredFacts = { readonly facts: Facts; readonly notRoot: Fault | null }

/** The facts, read as root where that can be had, otherwise as the login user. */
export async function gatherFacts(session: Session): Promise<GatheredFacts | { readonly refused: Fault }> {
  const asRoot = await gatherAsRoot(session)
  if ('facts' in asRoot) return asRoot
  if (asRoot.refused.code !== 'no-privilege') return asRoot
  return await gatherAsUser(session, asRoot.refused)
}

/** What the login user may read. @param notRoot why it is not root that reads */
export async function gatherAsUser(
  session: Session,
  notRoot: Fault,
): Promise<GatheredFacts | { readonly refused: Fault }> {
  const asUser = await readFacts(session, 'login-user')
  return 'facts' in asUser ? { ...asUser, notRoot } : asUser
}

/** The same for whom nothing less than root will do. */
export async function gatherAsRoot(session: Session): Promise<GatheredFacts | { readonly refused: Fault }> {
  const asRoot = await readFacts(session, 'root')
  return 'facts' in asRoot ? { ...asRoot, notRoot: null } : asRoot
}

async function readFacts(
  session: Session,
  as: 'root' | 'login-user',
): Promise<{ readonly facts: Facts } | { readonly refused: Fault }> {
  const nonce = newNonce()
  const outcome = await session.run(factsScript, {
    timeoutMs: FACTS_TIMEOUT_MS,
    as,
    arguments: [nonce, String(GAP_SECONDS)],
  })
  if ('refused' in outcome) return outcome
  const fault = faultOfOutcome(outcome, 'reading its facts')
  if (fault !== null) return { refused: fault }
  return { facts: parseFacts('stdout' in outcome ? outcome.stdout : '', nonce) }
}

export function newNonce(): string {
  return randomBytes(9).toString('hex')
}

/** Why a script did not run to its end; null when it did, whatever its exit code. */
export function faultOfOutcome(outcome: Outcome, doing: string): Fault | null {
  switch (outcome.type) {
    case 'exited':
      return null
    case 'killed':
      return {
        code: 'unreadable',
        message: `the script was killed by ${outcome.signal} while ${doing}`,
        next: 'look at the memory and process limits of the host, then run the same command again',
      }
    case 'timed-out':
      return {
        code: 'timed-out',
        message: `it had not finished ${doing} after ${Math.round(outcome.afterMs / 1000)} s`,
        next: 'log in by hand and see what hangs there (a dead NFS mount, a full disk), then run the same command again',
      }
    case 'lost':
      return {
        code: 'lost',
        message: `the connection was lost while ${doing}: ${outcome.why}`,
        next: 'run the same command again',
      }
  }
}
