import type { LiveRules } from '../firewall/rules.ts'
import { statefulRules } from '../firewall/stateful.ts'
import type { AuditFinding, Suspect } from '../model/audit.ts'
import type { Change } from '../model/change.ts'
import type { Facts } from '../model/facts.ts'
import type { Reading } from '../model/reading.ts'
import type { VerifiedChange, VerifyResult } from '../model/verification.ts'
import type { Found } from './audit-rule.ts'
import { ACTORS } from './drift/actors.ts'
import { goneFrom } from './drift/gone.ts'
import { surestFirst, writtenText } from './drift/suspect.ts'
import type { Traces } from './drift/traces.ts'
import { whoActed } from './drift/who-acts.ts'
import { whoBrought, whoChanged } from './drift/who-rules.ts'
import { whoSet } from './drift/who-settings.ts'
import { otherFinding } from './judge.ts'
import type { Policy } from './policy.ts'

/** What ctfleet applied last to a host and still stands by the record, looked at again. */
export type DriftLook = {
  readonly looked: VerifyResult
  /** Those that were looked at, in the order of `looked`. */
  readonly changes: readonly Change[]
  readonly strategy: string
  readonly facts: Facts
  readonly live: Reading<readonly LiveRules[]>
  /** Null where nothing is in question, so that nobody asked. */
  readonly traces: Traces | null
}

/** What is not as it was applied, and who did it as far as the host shows that; null where all is. */
export function driftOf(look: DriftLook, policy: Policy): AuditFinding | null {
  const untold = (why: string) => otherFinding(policy, 'cannot-tell', { ...UNTOLD, evidence: [why] })
  const { looked } = look
  switch (looked.status) {
    case 'unreachable':
    case 'failed':
      return untold(looked.fault.message)
    case 'not-reached':
      return untold(looked.why)
    case 'unsure':
    case 'not-restarted':
      return untold(looked.changes.flatMap(({ inForce }) => (inForce?.known === false ? [inForce.why] : [])).join('; '))
    case 'in-force':
    case 'not-in-force': {
      if (look.traces === null || !isInQuestion(look)) return null
      const seen = { looked, tracked: trackedAgain(look), traces: look.traces }
      const by = suspectsOf(look, seen)
      const finding = otherFinding(policy, 'drift', foundOf(look, seen, by))
      return finding === null ? null : { ...finding, by }
    }
  }
}

/** Whether anything is not as it was applied, so that it is worth asking who did it. */
export function isInQuestion({ looked, ...look }: Omit<DriftLook, 'traces'>): boolean {
  return looked.status === 'not-in-force' || (looked.status === 'in-force' && trackedAgain(look).length > 0)
}

const UNTOLD: Found = {
  title: 'cannot tell whether what ctfleet applied is in force',
  evidence: [],
  threshold: null,
  remedy: 'ctfleet verify --limit HOST',
}

type Stateful = ReturnType<typeof statefulRules>
type Seen = {
  readonly looked: Extract<VerifyResult, { readonly changes: readonly VerifiedChange[] }>
  readonly tracked: Stateful
  readonly traces: Traces
}

/** `unload` left no rule that needs tracking: one that is there now came since, and has all tracked again. */
function trackedAgain({ strategy, live }: Pick<DriftLook, 'strategy' | 'live'>): Stateful {
  return strategy === 'unload' && live.known ? statefulRules(live.value) : []
}

function suspectsOf({ changes, facts, live }: DriftLook, { looked, tracked, traces }: Seen): readonly Suspect[] {
  const { journal, remark, restarted } = looked
  if (journal === 'taken-back') return [{ who: 'ctfleet', certainty: 'certain', evidence: [remark ?? journal] }]
  // `ctfleet clean` forgets a change that stays in force: whoever changed it since leaves the traces that anybody leaves.
  const own: readonly Suspect[] = remark === null ? [] : [{ who: 'ctfleet', certainty: 'possible', evidence: [remark] }]
  const gone = goneFrom(changes, looked.changes)
  const marked = whoBrought(tracked, live, traces)
  const settings = gone.settings.flatMap((setting) => whoSet(setting, facts, traces))
  const acted = whoActed({ ...gone, tables: [...gone.places, ...tracked].map(({ table }) => table) }, traces)
  // What was made at run time is gone with a restart, whoever else is there.
  const isLost = restarted.known && restarted.value && gone.paths.length === 0
  if (isLost) return surestFirst([RESTART, ...settings, ...own])
  const changed = gone.places.length === 0 ? [] : whoChanged(gone.places, facts, { live, traces })
  return surestFirst([...acted, ...marked, ...settings, ...changed, ...own])
}

const TAKEN_BACK =
  'ctfleet rollback RUN, to have the record say so too (ctfleet runs has its id); ctfleet plan --limit HOST says what it needs now'

const RESTART: Suspect = {
  who: 'the restart',
  certainty: 'certain',
  evidence: ['the host was restarted since, which takes away what no file makes again'],
}

function foundOf({ changes }: DriftLook, { looked, tracked, traces }: Seen, by: readonly Suspect[]): Found {
  const gone = looked.changes.filter(({ inForce }) => inForce?.known === true && !inForce.value)
  const [first] = by
  const lack = gone.length === 1 ? 'is not in force' : 'are not in force'
  const what =
    gone.length > 0
      ? `${gone.length} of ${looked.changes.length} changes that ctfleet applied ${first === RESTART ? 'did not survive the restart' : lack}`
      : 'connections are tracked again, which ctfleet had ended'
  const who = first === RESTART ? '' : `, ${whoText(by)}`
  const paths = goneFrom(changes, looked.changes).paths
  return {
    title: `${what}${who}`,
    evidence: [
      ...gone.flatMap(differenceIn),
      ...trackedLines(tracked),
      ...paths.flatMap((path) => writtenLine(path, traces)),
      ...by.map(({ who: name, certainty, evidence }) => `${certainty}: ${name}: ${evidence.join('; ')}`),
      ...(by.length > 0 ? [] : ['nothing on the host shows who: a person, or a program that leaves no trace']),
      ...unreadIn(traces),
    ],
    threshold: null,
    remedy: looked.journal === 'taken-back' ? TAKEN_BACK : remedyFor(by),
  }
}

function whoText([first, ...others]: readonly Suspect[]): string {
  if (first === undefined) return 'by a person or a program that leaves no trace'
  switch (first.certainty) {
    case 'certain':
      return `by ${first.who}`
    case 'likely':
      return `most likely by ${first.who}`
    case 'possible':
      return others.length === 0 ? `and ${first.who} may have done it` : 'and several may have done it'
  }
}

/** Lines of one change that are worth the room; `verify` shows all. */
const MOST_LINES = 6

function differenceIn({ title, shown: { applied, now } }: VerifiedChange): readonly string[] {
  const differing = [
    ...applied.filter((line) => !now.includes(line)).map((line) => `applied, and not there: ${line}`),
    ...now.filter((line) => !applied.includes(line)).map((line) => `there now: ${line}`),
  ]
  return [title, ...shortened(differing)]
}

function trackedLines(tracked: Stateful): readonly string[] {
  return shortened(
    tracked.map(({ table, chain, rule, because }) => `needs tracking (${because}): ${table} ${chain}: ${rule.spec}`),
  )
}

function shortened(lines: readonly string[]): readonly string[] {
  const more = lines.length - MOST_LINES
  return more < 2 ? lines : [...lines.slice(0, MOST_LINES), `and ${more} more`]
}

function writtenLine(path: string, traces: Traces): readonly string[] {
  const text = writtenText(path, traces)
  return text === null ? [] : [`${path}: ${text}`]
}

/** What could not be looked at may hold the answer. */
function unreadIn({ started, files, settings, acts }: Traces): readonly string[] {
  const asked = {
    'who was started since': started,
    'when files were written': files,
    'what configures settings': settings,
    'what sudo has on record': acts,
  }
  return Object.entries(asked).flatMap(([what, reading]) =>
    reading.known ? [] : [`${what} is not known: ${reading.why}`],
  )
}

function remedyFor(by: readonly Suspect[]): string {
  const remedies = ACTORS.filter(({ name }) =>
    by.some(({ who, certainty }) => who === name && certainty !== 'possible'),
  )
  const first = remedies.map(({ name, remedy }) => `${name}: ${remedy}`)
  return [
    ...first,
    'ctfleet plan --limit HOST says what it needs now; ctfleet verify --limit HOST shows all that differs',
  ].join('; ')
}
