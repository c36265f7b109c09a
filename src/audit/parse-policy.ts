import { type Compiled, compile } from '../expression/expression.ts'
import { type Complaint, InputError, inReadingOrder } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import { parseYamlDocument } from '../input/yaml-document.ts'
import { pathText } from '../input/yaml-tree.ts'
import { expressionHint } from '../playbook/expression-hint.ts'
import { FACT_NAMES } from '../playbook/names.ts'
import { RULE_IDS } from './catalog.ts'
import { DEFAULT_POLICY, type Policy, type SiteRule, type Worded } from './policy.ts'
import { policySchema } from './policy-schema.ts'

/**
 * Reads a policy and checks all that can be checked without a host: form, names of rules, days, expressions and their types.
 * @throws InputError with every mistake in the text
 */
export function parsePolicy(text: string, file: string): Policy {
  const document = parseYamlDocument(text, file, policySchema)
  if (!document.ok) throw new InputError(document.complaints)
  const { thresholds, rules, own, waivers } = document.value
  const complaints: Complaint[] = []
  const complain = (path: Path, message: string, hint: string | null, offset?: number) => {
    complaints.push({ file, ...document.at(path, offset), path: pathText(path), message, hint })
  }

  for (const id of Object.keys(rules)) {
    if (!RULE_IDS.includes(id))
      complain(['rules', id], `ctfleet has no rule ${JSON.stringify(id)}`, known(id, RULE_IDS))
  }
  const taken = new Set(RULE_IDS)
  const siteRules = own.flatMap(({ id, when, severity, title, remedy }, at): readonly SiteRule[] => {
    const place = ['own', at]
    if (taken.has(id)) complain([...place, 'id'], `${JSON.stringify(id)} is a rule already`, 'give it another name')
    taken.add(id)
    const condition = compiled(when, 'bool', (...said) => complain([...place, 'when'], ...said))
    const worded = (given: typeof title, key: string): Worded => {
      if (typeof given === 'string') return { text: given }
      const expression = compiled(given.cel, 'any', (...said) => complain([...place, key, 'cel'], ...said))
      return expression === null ? { text: '' } : { expression }
    }
    const words = { title: worded(title, 'title'), remedy: remedy === undefined ? null : worded(remedy, 'remedy') }
    return condition === null ? [] : [{ id, severity, when: condition, ...words }]
  })
  const all = [...taken]
  for (const [at, { rule }] of waivers.entries()) {
    const place = ['waivers', at, 'rule']
    if (!taken.has(rule)) complain(place, `there is no rule ${JSON.stringify(rule)}`, known(rule, all))
  }
  if (complaints.length > 0) throw new InputError(inReadingOrder(complaints))

  const usual = DEFAULT_POLICY.thresholds
  const usage = thresholds['near-full']
  return {
    file,
    thresholds: {
      ...usual,
      usage: usage === undefined ? usual.usage : usage / 100,
      logAgeSeconds: secondsOf(thresholds['logged-within']) ?? usual.logAgeSeconds,
      entriesPerBucket: thresholds['entries-per-bucket'] ?? usual.entriesPerBucket,
      longTimeout: secondsOf(thresholds['long-timeout']) ?? usual.longTimeout,
      fewestInGroup: thresholds['group-of'] ?? usual.fewestInGroup,
    },
    rules: new Map(Object.entries(rules)),
    own: siteRules,
    waivers: waivers.map((waiver, at) => {
      const { line, column } = document.at(['waivers', at])
      return { ...waiver, at: `${file}:${line}:${column}` }
    }),
  }
}

type Path = readonly (string | number)[]

function compiled(
  text: string,
  expected: 'bool' | 'any',
  complain: (message: string, hint: string | null, offset: number) => void,
): Compiled | null {
  const compilation = compile(text, FACT_NAMES, expected)
  if (compilation.ok) return compilation.compiled
  complain(compilation.message, expressionHint(text, compilation), compilation.offset)
  return null
}

function known(word: string, ids: readonly string[]): string {
  return didYouMean(word, ids) ?? `there are ${ids.join(', ')}`
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Number(time.slice(0, -1)) * (SECONDS[time.slice(-1)] ?? 1)
}
