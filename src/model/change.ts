import type { Json } from './json.ts'

/**
 * One step that is not at its goal on one host: what is, what will be, and the very bytes that go there and back.
 * `phase` says when: `runtime` changes before the confirmation, `persist` changes are staged before and renamed after it.
 */
export type Change = {
  readonly id: string
  readonly kind: string
  readonly title: string
  readonly phase: 'runtime' | 'persist'
  /** The step's input, as its kind's schema knows it. */
  readonly want: Json
  readonly before: Json
  readonly after: Json
  /** `before` and `after` as lines for the diff. */
  readonly shown: { readonly before: readonly string[]; readonly after: readonly string[] }
  /** Prints the state in a normal form; equal states print equal bytes. */
  readonly probe: string
  readonly apply: string
  readonly undo: string
  /** Readies files beside their targets before anything is written, and takes them away again; empty for most kinds. */
  readonly stage: string
  readonly unstage: string
  /** The state moves by itself (entries come and go): it is not compared before the change, nor before its undo. */
  readonly volatile: boolean
  /** Things a person must know before saying yes: sessions that will not survive, how slowly the table drains. */
  readonly notes: readonly string[]
}

/** A state that no script can reach, and why; the compiler makes each step kind and its callers answer it. */
export type Impossible = { readonly impossible: string }
