import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import { unknown } from '../../src/model/reading.ts'
import { type Label, readFolder } from './folder.ts'
import { causeIn, contradiction, expected, type Twins } from './packets.ts'

/** One rule set, family and port: what packets said, and what ctfleet says of taking the port out of tracking. */
export type Judged = {
  readonly label: Label
  readonly says: Says
  /** Why it is not safe to ctfleet. */
  readonly why: string
  readonly rule: string | null
  /** What packets say against `safe`. */
  readonly unsafe: string | null
  /** Packets show that the patch works, and the rules give no cause to refuse it. */
  readonly needless: boolean
  /** The cause that the rules give to refuse what packets passed. */
  readonly cause: string | null
  readonly cpuMs: number
}
export const SAYS = ['safe', 'refused', 'unreadable', 'not loadable'] as const
export type Says = (typeof SAYS)[number]

export const MOST_NEEDLESS = 0.1

/** @throws NotAFolder */
export function judgeFolder(at: string): readonly Judged[] {
  return readFolder(at).map((label) => {
    const text = readFileSync(join(at, label.file), 'utf8')
    const before = process.cpuUsage()
    const judged = judge(label, text)
    const { user, system } = process.cpuUsage(before)
    return { ...judged, cpuMs: (user + system) / 1000 }
  })
}

export function judge(label: Label, text: string): Omit<Judged, 'cpuMs'> {
  const told = expected(label)
  const answer = { label, rule: null, unsafe: null, needless: false, cause: null }
  if (label.port === null) return { ...answer, says: 'not loadable', why: label.verdict }
  const rules = text.trim() === '' ? unknown('the file is empty') : parseRules(text, label.family)
  if (!rules.known) {
    const says = label.loads === false ? 'not loadable' : 'unreadable'
    return { ...answer, says, why: rules.why, needless: says === 'unreadable' && told.says === 'works' }
  }
  const patch = notrackPatch([{ backend: 'legacy', rules: rules.value }], [{ protocol: 'tcp', port: label.port }], {
    families: [label.family],
    backend: 'legacy',
    // The host that packets were sent to had none of the addresses that rules translate to.
    addresses: [],
  })
  if (patch.safe) {
    const specs = patch.edits.flatMap(({ table, spec }) => (table === 'raw' ? [] : [spec]))
    return { ...answer, says: 'safe', why: '', unsafe: contradiction(label, twinsIn(specs)) }
  }
  const found = told.says === 'works' ? causeIn(rules.value, label.port) : null
  const isOfNat = patch.rule?.startsWith('nat: ') === true
  // A mark that rules set by state is one more thing that untracked packets would lose, or gain.
  const marks = patch.rule !== null && /-j (?:CONN)?MARK /.test(patch.rule) ? patch.rule : null
  const cause = found !== null && (found.kind === 'NAT') === isOfNat ? found.rule : marks
  return {
    ...answer,
    says: 'refused',
    why: patch.why,
    rule: patch.rule,
    cause,
    needless: told.says === 'works' && cause === null,
  }
}

/** Rows where a refusal would be, or is, needless. */
export function couldPass(judged: readonly Judged[]): readonly Judged[] {
  return judged.filter(
    ({ label, says, cause }) => expected(label).says === 'works' && says !== 'not loadable' && cause === null,
  )
}

/** Exit code: 0, or 1 where a verdict is unsafe or too many refusals are needless. */
export function exitCodeFor(judged: readonly Judged[]): 0 | 1 {
  const needless = judged.filter(({ needless }) => needless).length
  const tooMany = needless > MOST_NEEDLESS * couldPass(judged).length
  return tooMany || judged.some(({ unsafe }) => unsafe !== null) ? 1 : 0
}

function twinsIn(specs: readonly string[]): Twins {
  const ofTheWire = specs.filter((spec) => spec.includes('UNTRACKED') && !/-[io] lo /.test(spec))
  return {
    requests: ofTheWire.some((spec) => /--dports? /.test(spec)),
    replies: ofTheWire.some((spec) => /--sports? /.test(spec)),
  }
}
