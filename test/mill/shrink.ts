import { type Case, type Findings, findingsOf, millQuickly } from './mill.ts'
import type { Failure } from './report.ts'
import type { Loaded } from './rule-kinds.ts'
import type { World } from './world.ts'

/** Leaves out rules, halves first, then one by one, while what is left still goes wrong; stops when the time is up. */
export async function shrink(world: World, failed: Failure, limit: { readonly ms: number }): Promise<Failure> {
  const end = Date.now() + limit.ms
  let best: Failure = { ...failed, given: { ...failed.given, rules: failed.found.loaded } }
  for (let size = Math.ceil(countRules(best) / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < countRules(best); ) {
      if (Date.now() > end) return best
      const smaller: Case = { ...best.given, rules: without(best.given.rules, at, size) }
      const found = findingsOf(await millQuickly(world, smaller))
      if (found !== null && sameFailure(found, failed.found)) best = { given: smaller, found }
      else at += size
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
  return given.rules.flatMap(({ text }) => text.split('\n').filter(isRule)).length
}

/** The rule sets without so many rules, counted through all of them. */
function without(rules: readonly Loaded[], from: number, size: number): readonly Loaded[] {
  let number = -1
  return rules.map((each) => {
    const lines = each.text.split('\n').filter((line) => {
      if (!isRule(line)) return true
      number += 1
      return number < from || number >= from + size
    })
    return { ...each, text: lines.join('\n') }
  })
}

function isRule(line: string): boolean {
  return line.startsWith('-A ')
}
