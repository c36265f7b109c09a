import type { View } from '../expression/bind-readings.ts'
import { type Evaluation, evaluate } from '../expression/expression.ts'
import { checkAgainst } from '../input/schema.ts'
import { pathText } from '../input/yaml-tree.ts'
import type { Json } from '../model/json.ts'
import type { Playbook, PlaybookStep, Requirement, Template } from './playbook.ts'
import { sentenceOf } from './sentence.ts'

export type Vars = { readonly [name: string]: Json }

/** A step for one host: its kind's name, and what it wants, checked by the kind. */
export type BoundStep = { readonly kind: string; readonly want: Json; readonly name: string | null }

export type Binding =
  | { readonly type: 'bound'; readonly steps: readonly BoundStep[] }
  | { readonly type: 'unsure'; readonly reasons: readonly string[] }
  | { readonly type: 'failed'; readonly reasons: readonly string[] }

/**
 * Works out a playbook's values for one host. What cannot be worked out is absent, and whatever uses it becomes unsure.
 * @returns the values, and the view with `vars` in it
 */
export function computeVars({ vars }: Playbook, view: View): { readonly vars: Vars; readonly view: View } {
  const computed: { [name: string]: Json } = {}
  const whyUnknown = new Map(view.whyUnknown)
  const extended: View = { bindings: { ...view.bindings, vars: computed }, whyUnknown }
  for (const { name, template } of vars) {
    const result = resolve(template, extended)
    if (result.type === 'value') computed[name] = result.value
    else whyUnknown.set(`vars.${name}`, result.type === 'unsure' ? result.why : result.message)
  }
  return { vars: computed, view: extended }
}

export type Met =
  | { readonly type: 'met' }
  | { readonly type: 'unmet'; readonly reason: string }
  | { readonly type: 'unsure'; readonly reason: string }

/** Whether a requirement holds on one host; `view` has the playbook's vars. */
export function checkRequirement({ when, otherwise }: Requirement, view: View): Met {
  const held = evaluate(when, view.bindings, view.whyUnknown)
  if (held.type === 'unsure') return { type: 'unsure', reason: ownReason(otherwise, view) ?? held.why }
  if (held.type === 'failed') return { type: 'unsure', reason: `${when.text}: ${held.message}` }
  if (held.value === true) return { type: 'met' }
  if (held.value !== false) return { type: 'unsure', reason: `${when.text} is neither true nor false` }
  return { type: 'unmet', reason: said(otherwise, view) ?? `not so: ${when.text}` }
}

/** An analysis that could not be made says why in its own sentence; a fixed one would claim what is not known. */
function ownReason(otherwise: Template, view: View): string | null {
  return otherwise.type === 'computed' ? said(otherwise, view) : null
}

/** The notes that apply to this host; one whose condition is not known is said all the same. */
export function notesFor({ notes }: Playbook, view: View): readonly string[] {
  return notes.flatMap(({ when, say }) => {
    const held = when === null ? null : evaluate(when, view.bindings, view.whyUnknown)
    if (held?.type === 'value' && held.value !== true) return []
    return said(say, view) ?? []
  })
}

function said(sentence: Template, view: View): string | null {
  const result = resolve(sentence, view)
  return result.type === 'value' ? sentenceOf(result.value) : null
}

/** The steps that this host needs looked at, in the playbook's order. */
export function bindSteps({ steps }: Playbook, view: View): Binding {
  const bound: BoundStep[] = []
  const unsure: string[] = []
  const failed: string[] = []
  for (const [index, step] of steps.entries()) {
    const outcome = bindStep(step, view)
    const title = step.name ?? `step ${index + 1} (${step.kind.kind})`
    if (outcome.type === 'bound') bound.push(outcome.step)
    else if (outcome.type === 'unsure') unsure.push(`${title}: ${outcome.why}`)
    else if (outcome.type === 'failed') failed.push(...outcome.messages.map((message) => `${title}: ${message}`))
  }
  if (failed.length > 0) return { type: 'failed', reasons: failed }
  return unsure.length > 0 ? { type: 'unsure', reasons: unsure } : { type: 'bound', steps: bound }
}

type StepOutcome =
  | { readonly type: 'bound'; readonly step: BoundStep }
  | { readonly type: 'left-out' }
  | { readonly type: 'unsure'; readonly why: string }
  | { readonly type: 'failed'; readonly messages: readonly string[] }

function bindStep({ kind, name, when, want }: PlaybookStep, view: View): StepOutcome {
  if (when !== null) {
    const held = evaluate(when, view.bindings, view.whyUnknown)
    if (held.type === 'unsure') return held
    if (held.type === 'failed') return { type: 'failed', messages: [`${when.text}: ${held.message}`] }
    if (held.value !== true) return { type: 'left-out' }
  }
  const value = resolve(want, view)
  if (value.type === 'unsure') return value
  if (value.type === 'failed') return { type: 'failed', messages: [value.message] }
  const checked = checkAgainst(kind.want, value.value)
  if (checked.ok) return { type: 'bound', step: { kind: kind.kind, want: value.value, name } }
  return {
    type: 'failed',
    messages: checked.complaints.map(
      ({ path, message }) => `${path.length === 0 ? kind.kind : pathText(path)}: ${message}`,
    ),
  }
}

function resolve(template: Template, view: View): Evaluation {
  switch (template.type) {
    case 'plain':
      return { type: 'value', value: template.value }
    case 'computed':
      return evaluate(template.expression, view.bindings, view.whyUnknown)
    case 'list': {
      const items: Json[] = []
      for (const item of template.items) {
        const result = resolve(item, view)
        if (result.type !== 'value') return result
        items.push(result.value)
      }
      return { type: 'value', value: items }
    }
    case 'map': {
      const entries: [string, Json][] = []
      for (const [key, item] of template.entries) {
        const result = resolve(item, view)
        if (result.type !== 'value') return result
        entries.push([key, result.value])
      }
      return { type: 'value', value: Object.fromEntries(entries) }
    }
  }
}
