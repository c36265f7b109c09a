import type { Compiled } from '../expression/expression.ts'
import type { z } from '../input/schema.ts'
import type { Json } from '../model/json.ts'

/** A remedy as data: when it fits, what it works out, what it changes, and how one sees that it worked. */
export type Playbook = {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly file: string
  readonly requires: readonly Requirement[]
  readonly vars: readonly { readonly name: string; readonly template: Template }[]
  readonly notes: readonly Note[]
  readonly steps: readonly PlaybookStep[]
  readonly verify: readonly WantedGate[]
}

/** A condition, and the sentence for a person where it does not hold. */
export type Requirement = { readonly when: Compiled; readonly otherwise: Template }

/** What a person must know before saying yes; null: always. */
export type Note = { readonly when: Compiled | null; readonly say: Template }

export type PlaybookStep = {
  readonly kind: StepKind
  readonly name: string | null
  /** The step is left out where this does not hold. */
  readonly when: Compiled | null
  readonly want: Template
}

/** What a playbook needs to know of a kind of step. */
export type StepKind = { readonly kind: string; readonly summary: string; readonly want: z.ZodType }

/** A value that may hold expressions: `{ cel: vars.max }` stands for what the expression gives. */
export type Template =
  | { readonly type: 'plain'; readonly value: Json }
  | { readonly type: 'computed'; readonly expression: Compiled }
  | { readonly type: 'list'; readonly items: readonly Template[] }
  | { readonly type: 'map'; readonly entries: readonly (readonly [key: string, value: Template])[] }

/** A gate as a playbook wants it; null: worked out for each host. Rates are packets a second. */
export type WantedGate =
  | { readonly gate: 'reads-back' | 'login' }
  | { readonly gate: 'ports'; readonly ports: readonly number[] | null }
  | { readonly gate: 'drops' | 'invalid'; readonly withinSeconds: number; readonly mostPerSecond: number | null }
