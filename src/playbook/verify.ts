import { didYouMean } from '../input/nearest.ts'
import { checkAgainst, z } from '../input/schema.ts'
import type { GateName } from '../model/plan.ts'
import type { WantedGate } from './playbook.ts'

/** Asked where a playbook says nothing of `verify`, in this order. */
export const DEFAULT_GATES = ['reads-back', 'login', 'ports', 'drops', 'invalid'] as const satisfies readonly GateName[]

/** Longest wait for a rate to come down, in seconds, unless the playbook says otherwise. */
const WITHIN = 10
/** A host may be told to wait an hour for its confirmation, and a login and other gates take their part of it. */
const LONGEST = 1800

const time = z
  .union([z.string(), z.number()])
  .refine((value) => secondsIn(value) !== undefined, 'expected a time up to 30m, such as 30s or 2m')
  .describe('How long it may take: 30s, 2m')
const RATE = z.strictObject({
  within: time.optional(),
  most_per_second: z
    .number()
    .min(0)
    .optional()
    .describe('Packets a second; worked out for each host where it is absent'),
})
const PORTS = z.array(z.int().min(1).max(65_535)).min(1).max(16)

/** One gate as it may be written: a name, or a name with what it is to ask. */
export const gateSchema = z.union([
  z.enum(DEFAULT_GATES),
  z.strictObject({ ports: PORTS.describe('TCP ports: those that answer before the change are to answer after it') }),
  z.strictObject({ drops: RATE.describe('Packets that are dropped for want of room') }),
  z.strictObject({ invalid: RATE.describe('Packets that tracking calls INVALID') }),
])

type Path = readonly (string | number)[]
type Complain = (path: Path, message: string, hint: string | null) => void

/** The gates that a playbook names; what is none is complained of and left out. */
export function readGates(written: readonly unknown[], path: Path, complain: Complain): readonly WantedGate[] {
  const gates = written.map((item, index) => ({
    at: [...path, index],
    gate: readGate(item, [...path, index], complain),
  }))
  return gates.flatMap(({ at, gate }, index) => {
    if (gate === null) return []
    const isTwice = gates.slice(0, index).some((earlier) => earlier.gate?.gate === gate.gate)
    if (isTwice) complain(at, `names ${gate.gate} a second time`, null)
    return isTwice ? [] : [gate]
  })
}

function readGate(item: unknown, path: Path, complain: Complain): WantedGate | null {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    const name = checked(z.enum(DEFAULT_GATES), item, path, complain)
    return name === null ? null : plainGate(name)
  }
  const [only, another] = Object.entries(item)
  if (only === undefined || another !== undefined) {
    complain(path, 'is no gate: it names none, or several', 'write an item for each: - drops: { within: 30s }')
    return null
  }
  const [name, value]: [string, unknown] = only
  const known = DEFAULT_GATES.find((each) => each === name)
  if (known === undefined) {
    const hint = didYouMean(name, DEFAULT_GATES) ?? `known here: ${DEFAULT_GATES.join(', ')}`
    complain([...path, name], `no gate is called ${JSON.stringify(name)}`, hint)
    return null
  }
  switch (known) {
    case 'reads-back':
    case 'login':
      if (value === null) return plainGate(known)
      complain([...path, name], `${known} takes nothing to ask`, `write the name alone: - ${known}`)
      return null
    case 'ports': {
      const ports = checked(PORTS, value, [...path, name], complain)
      return ports === null ? null : { gate: known, ports }
    }
    case 'drops':
    case 'invalid': {
      const asked = checked(RATE, value, [...path, name], complain)
      return asked === null ? null : rateGate(known, asked)
    }
  }
}

/** A gate that is named alone. */
function plainGate(gate: GateName): WantedGate {
  switch (gate) {
    case 'reads-back':
    case 'login':
      return { gate }
    case 'ports':
      return { gate, ports: null }
    case 'drops':
    case 'invalid':
      return rateGate(gate, {})
  }
}

function rateGate(gate: 'drops' | 'invalid', { within, most_per_second: most }: z.infer<typeof RATE>): WantedGate {
  const seconds = within === undefined ? undefined : secondsIn(within)
  return { gate, withinSeconds: seconds ?? WITHIN, mostPerSecond: most ?? null }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, path: Path, complain: Complain): T | null {
  const answer = checkAgainst(schema, value)
  if (answer.ok) return answer.value
  for (const { path: inside, key, message, hint } of answer.complaints) {
    const place = inside.map((part) => (typeof part === 'number' ? part : String(part)))
    complain([...path, ...place, ...(key === null ? [] : [key])], message, hint)
  }
  return null
}

function secondsIn(time: string | number): number | undefined {
  const match = /^(\d{1,4})(s|m)?$/.exec(String(time).trim())
  const seconds = Number(match?.[1] ?? Number.NaN) * ({ s: 1, m: 60 }[match?.[2] ?? 's'] ?? 1)
  return seconds <= LONGEST ? seconds : undefined
}
