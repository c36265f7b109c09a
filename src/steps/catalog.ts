import { checkAgainst } from '../input/schema.ts'
import { pathText } from '../input/yaml-tree.ts'
import { type Json, sameJson } from '../model/json.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import { file } from './file.ts'
import { firewall } from './firewall.ts'
import { flushEntries } from './flush-entries.ts'
import { hashSize } from './hash-size.ts'
import { kernelModules } from './kernel-modules.ts'
import { rulesFile } from './rules-file.ts'
import type { Relief, Step, StepKindSpec, StepPlan } from './step-kind.ts'
import { symlink } from './symlink.ts'
import { sysctl } from './sysctl.ts'

/** A kind as playbooks see it: a name, an input to check, and the steps that a checked input becomes. */
export type StepKind = {
  readonly kind: string
  readonly summary: string
  readonly want: StepKindSpec<unknown, Json>['want']
  /** @throws the schema's error on an input that was not checked before. */
  bind(want: unknown): readonly Step[]
  /** The state that a probe of this want printed; unknown too where the want is none of this kind, as one that another ctfleet planned. */
  read(probed: string, want: Json): Reading<Json>
  /** A state that was read, as lines; none where the want is none of this kind. */
  show(state: Json, want: Json): readonly string[]
  /** What a planned change of this kind does for a table that is full; null: nothing. */
  relief(change: Planned): Relief | null
}

type Planned = { readonly want: Json; readonly before: Json; readonly after: Json }

export const STEP_KINDS: readonly StepKind[] = [
  sealed(sysctl),
  sealed(hashSize),
  sealed(kernelModules),
  sealed(firewall),
  sealed(flushEntries),
  sealed(file),
  sealed(rulesFile),
  sealed(symlink),
]

/** Seals a kind's types inside: what comes out is checked by its own schema and read by its own parser. */
function sealed<Want, State extends Json>(spec: StepKindSpec<Want, State>): StepKind {
  return {
    kind: spec.kind,
    summary: spec.summary,
    want: spec.want,
    bind(input) {
      const want = spec.want.parse(input)
      return (spec.split?.(want) ?? [want]).map((each) => bound(spec, each))
    },
    // These wants come from plans on record, of which another version may have made some.
    read(probed, input) {
      const want = wantOf(spec, input)
      return want.known ? spec.read(probed, want.value) : want
    },
    // Its own parser made the state.
    show(state, input) {
      const want = wantOf(spec, input)
      return want.known ? spec.show(state as State, want.value) : []
    },
    relief({ want: input, before, after }) {
      const want = wantOf(spec, input)
      return want.known ? (spec.relief?.(before as State, after as State, want.value) ?? null) : null
    },
  }
}

function wantOf<Want, State extends Json>({ kind, want }: StepKindSpec<Want, State>, input: Json): Reading<Want> {
  const checked = checkAgainst(want, input)
  if (checked.ok) return known(checked.value)
  const [first] = checked.complaints
  const what = first === undefined ? '' : ` (${[pathText(first.path), first.message].filter(Boolean).join(' ')})`
  return unknown(`the step is none that this ctfleet's kind ${kind} knows${what}: another ctfleet planned it`)
}

function bound<Want, State extends Json>(spec: StepKindSpec<Want, State>, want: Want): Step {
  return {
    kind: spec.kind,
    title: spec.title(want),
    phase: spec.phase,
    volatile: spec.volatile ?? false,
    // Playbook input is JSON, and the schema that checked it makes nothing else.
    want: want as Json,
    probe: spec.probe(want),
    plan: (probed, always = false) => planned(spec, want, { probed, always }),
  }
}

function planned<Want, State extends Json>(
  spec: StepKindSpec<Want, State>,
  want: Want,
  { probed, always }: { readonly probed: string; readonly always: boolean },
): Reading<StepPlan> {
  const now = spec.read(probed, want)
  if (!now.known) return now
  const goal = spec.goal(now.value, want)
  if (isImpossible(goal)) return { known: false, why: goal.impossible }
  if (!always && sameJson(now.value, goal)) return known({ needed: false })
  const staging = spec.stage?.(now.value, goal, want) ?? { stage: sh``, unstage: sh`` }
  return known({
    needed: true,
    before: now.value,
    after: goal,
    shown: { before: spec.show(now.value, want), after: spec.show(goal, want) },
    apply: spec.transition(now.value, goal, want),
    undo: spec.transition(goal, now.value, want),
    ...staging,
    notes: spec.notes?.(now.value, goal, want) ?? [],
  })
}

function isImpossible(state: Json | { readonly impossible: string }): state is { readonly impossible: string } {
  return typeof state === 'object' && state !== null && 'impossible' in state
}
