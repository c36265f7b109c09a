import type { AuditFinding } from '../model/audit.ts'
import type { Change } from '../model/change.ts'
import type { Facts } from '../model/facts.ts'
import type { Plan } from '../model/plan.ts'
import { partsOf, textIn } from './drift/gone.ts'
import { findingOf, isOff } from './judge.ts'
import type { Policy } from './policy.ts'
import { notPersistent } from './rules/after-reboot.ts'

/**
 * Rules that ctfleet added and that are in force, where no file was written by which they come back: its plan said so, and why.
 * Null where all is written, or somebody put them into a file that is loaded at boot since.
 */
export function unwrittenOf(
  { changes, notes }: Pick<Plan, 'changes' | 'notes'>,
  { persistence: { loaders } }: Facts,
  policy: Policy,
): AuditFinding | null {
  if (isOff(policy, notPersistent.id) || changes.some(({ phase }) => phase === 'persist')) return null
  const texts = loaders.known
    ? loaders.value.flatMap(({ files }) => files.flatMap(({ text }) => (text.known ? (text.value ?? []) : [])))
    : []
  const lost = changes.flatMap(addedKeys).filter((key) => !texts.some((text) => text.includes(key)))
  if (lost.length === 0) return null
  const why = notes.filter((note) => /\breboot\b/.test(note))
  return findingOf(policy, notPersistent, {
    title: `${lost.length === 1 ? 'a rule' : `${lost.length} rules`} that ctfleet added would not survive a reboot`,
    evidence: ['no file was written by which they come back', ...why.map((note) => `its plan: ${note}`)],
    threshold: null,
    remedy: 'ctfleet plan --limit HOST says what it would write now; after a reboot: ctfleet apply --limit HOST',
  })
}

/** The comments by which added rules are known. */
function addedKeys({ kind, want }: Change): readonly string[] {
  if (kind !== 'firewall') return []
  return partsOf(want, 'edits').flatMap((edit) => (textIn(edit, 'action') === 'add' ? (textIn(edit, 'key') ?? []) : []))
}
