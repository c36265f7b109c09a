import { type Case, type Findings, findingsOf, millQuickly } from './mill.ts'
import type { Failure } from './report.ts'
import { KINDS, type Loaded } from './rule-kinds.ts'
import type { World } from './world.ts'

/** Leaves out rules, whole sets first, then halves, then one by one, while what is left still goes wrong; stops when the time is up. */
export async function shrink(world: World, failed: Failure, limit: { readonly ms: number }): Promise<Failure> {
  const end = Date.now() + limit.ms
  let best: Failure = { ...failed, given: { ...failed.given, rules: failed.found.loaded } }
  const keeps = async (smaller: Case) => {
    const found = findingsOf(await millQuickly(world, smaller))
    if (found === null || !sameFailure(found, failed.found)) return false
    best = { given: smaller, found }
    return true
  }
  for (const each of best.given.rules) {
    const rules = best.given.rules.filter((other) => other !== each)
    if (rules.length > 0 && Date.now() < end) await keeps({ ...best.given, rules })
  }
  for (let size = Math.ceil(countRules(best) / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < countRules(best); ) {
      if (Date.now() > end) return best
      const smaller: Case = { ...best.given, rules: without(best.given.rules, at, size) }
      if (!(await keeps(smaller))) at += size
    }
  }
  return best
}

/** The first thing that went wrong still does: another failure on the way would lead elsewhere. */
function sameFailure(now: Findings, was: Findings): boolean {
  const wanted = kindOf(was.broken[0] ?? '')
  return now.broken.some((each) => kindOf(each) === wanted)
}

/** An error's text names the rule it met, which may be another one. */
function kindOf(broken: string): string {
  const [line = ''] = broken.split('\n')
  return line.startsWith('no patch: ') ? line.slice(0, 24) : line
}

function countRules({ given }: Failure): number {
  return given.rules.flatMap(({ kind, text }) => text.split('\n').filter(KINDS[kind].isRule)).length
}

/** The rule sets without so many rules, counted through all of them. */
function without(rules: readonly Loaded[], from: number, size: number): readonly Loaded[] {
  let number = -1
  return rules.map((each) => {
    const lines = each.text.split('\n').filter((line) => {
      if (!KINDS[each.kind].isRule(line)) return true
      number += 1
      return number < from || number >= from + size
    })
    return { ...each, text: lines.join('\n') }
  })
}
