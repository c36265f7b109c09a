import type { Agent } from './agent.ts'
import { KINDS, type Loaded } from './rule-kinds.ts'

const MOST_REPAIRS = 80

/**
 * Loads rules, without the lines that this machine's tools or kernel refuse (sets that are not there, templates, anonymised
 * addresses): what is left is a rule set all the same.
 * @returns what went in, or why nothing can.
 */
export async function loadRules(host: Agent, rules: Loaded): Promise<Loaded | { readonly why: string }> {
  const known = repaired.get(rules)
  let now = known ?? rules
  for (let again = 0; again <= MOST_REPAIRS; again += 1) {
    const { code, stderr } = await KINDS[now.kind].load(host, now)
    if (code === 0) {
      repaired.set(rules, now)
      return now
    }
    const without = withoutRefused(now, stderr)
    if (without === null) return { why: stderr.trim() }
    now = without
  }
  return { why: `more than ${MOST_REPAIRS} lines of it are refused` }
}

/** What was found out once; cases of one file share their text. */
const repaired = new WeakMap<Loaded, Loaded>()

/** The tools name the line that they refuse; where it is no rule (the COMMIT of a whole table), nothing can be left out. */
function withoutRefused(rules: Loaded, complaint: string): Loaded | null {
  const kind = KINDS[rules.kind]
  const number = Number(kind.refused.exec(complaint)?.[1] ?? 0)
  const lines = rules.text.split('\n')
  const refused = lines[number - 1]
  if (refused === undefined || !kind.isRule(refused)) return null
  return { ...rules, text: lines.toSpliced(number - 1, 1).join('\n') }
}
