import type { Json } from './json.ts'

/** What one playbook's conditions say about one host. */
export type Verdict = {
  readonly strategy: string
  readonly verdict: 'eligible' | 'ineligible' | 'unsure'
  /** Why not, or why unsure; for an eligible strategy that was not chosen, why another came first. One sentence each. */
  readonly reasons: readonly string[]
  /** The values that the playbook computed for this host. */
  readonly vars: { readonly [name: string]: Json }
}
