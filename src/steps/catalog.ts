import { type Json, sameJson } from '../model/json.ts'
import { known, type Reading } from '../model/reading.ts'
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
  /** The state that a probe of this want printed. */
  read(probed: string, want: Json): Reading<Json>
  /** A state that was read, as lines. */
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
    read: (probed, want) => spec.read(probed, spec.want.parse(want)),
    // Its own parser made it.
    show: (state, want) => spec.show(state as State, spec.want.parse(want)),
    relief: ({ want, before, after }) => spec.relief?.(before as State, after as State, spec.want.parse(want)) ?? null,
  }
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
