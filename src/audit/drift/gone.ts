import type { Change } from '../../model/change.ts'
import { isJsonMap, type Json } from '../../model/json.ts'
import type { VerifiedChange } from '../../model/verification.ts'

/** What is not as it was applied, by kind: settings, places of rules, files. */
type Gone = {
  readonly settings: readonly Setting[]
  /** Last parts of the settings, for whoever looks for them. */
  readonly words: readonly string[]
  readonly places: readonly RulePlace[]
  readonly paths: readonly string[]
  /** That were unloaded. */
  readonly modules: readonly string[]
}

/** @param changes those that were looked at, in the order of `looked` */
export function goneFrom(changes: readonly Change[], looked: readonly VerifiedChange[]): Gone {
  const gone = looked.flatMap((seen, at) => {
    const change = changes[at]
    return change !== undefined && seen.inForce?.known === true && !seen.inForce.value ? [{ change, seen }] : []
  })
  const settings = gone.flatMap(settingsOf)
  return {
    settings,
    words: [...new Set(settings.map(({ word }) => word))],
    places: gone.flatMap(placesOf),
    paths: [...new Set(gone.flatMap(({ change }) => pathsOf(change)))],
    modules: gone.flatMap(({ change }) => (change.kind === 'kernel-modules' ? namesIn(change.want, 'unload') : [])),
  }
}

/** Its last part (`nf_conntrack_max`), and what the kernel has now. */
export type Setting = { readonly word: string; readonly now: string }

/** Where rules of a change stand, or stood. */
export type RulePlace = {
  readonly backend: 'legacy' | 'nft' | 'native'
  readonly family: string
  readonly table: string
  readonly chain: string
}

type One = { readonly change: Change; readonly seen: VerifiedChange }

function settingsOf({ change: { kind, want }, seen }: One): readonly Setting[] {
  const [now] = seen.shown.now.flatMap((line) => / = (\S{1,40})$/.exec(line)?.[1] ?? [])
  if (now === undefined) return []
  if (kind === 'hash-size') return [{ word: 'nf_conntrack_buckets', now }]
  const key = kind === 'sysctl' ? textIn(want, 'key') : null
  return key === null ? [] : [{ word: key.slice(key.lastIndexOf('.') + 1), now }]
}

/** Where the rules stand, or stood, that are not as they were applied. */
function placesOf({ change: { kind, want }, seen }: One): readonly RulePlace[] {
  if (kind !== 'firewall') return []
  const { applied, now } = seen.shown
  const differing = [...applied.filter((line) => !now.includes(line)), ...now.filter((line) => !applied.includes(line))]
  return partsOf(want, 'edits').flatMap((edit): readonly RulePlace[] => {
    const [backend, family, table, chain] = ['backend', 'family', 'table', 'chain'].map((key) => textIn(edit, key))
    if (family == null || table == null || chain == null) return []
    if (backend !== 'legacy' && backend !== 'nft' && backend !== 'native') return []
    // As the step shows a rule.
    const begin = backend === 'native' ? `${table} ${chain}: ` : `-t ${table} -A ${chain} `
    return differing.some((line) => line.startsWith(begin)) ? [{ backend, family, table, chain }] : []
  })
}

function pathsOf({ want }: Change): readonly string[] {
  const own = textIn(want, 'path')
  return [...(own === null ? [] : [own]), ...partsOf(want, 'files').flatMap((file) => textIn(file, 'path') ?? [])]
}

function namesIn(want: Json, key: string): readonly string[] {
  return partsOf(want, key).flatMap((name) => (typeof name === 'string' ? [name] : []))
}

export function textIn(value: Json, key: string): string | null {
  const found = fieldIn(value, key)
  return typeof found === 'string' ? found : null
}

export function partsOf(value: Json, key: string): readonly Json[] {
  const found = fieldIn(value, key)
  return Array.isArray(found) ? found : []
}

function fieldIn(value: Json, key: string): Json | undefined {
  return isJsonMap(value) && Object.hasOwn(value, key) ? value[key] : undefined
}
