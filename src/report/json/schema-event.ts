import { z } from '../../input/schema.ts'
import type { FleetEvent, Stage } from '../../model/event.ts'
import { APPROVAL_WAYS, RUN_COMMANDS } from '../../model/run.ts'
import { keysOf, text, time } from './schema.ts'

const STAGES: Readonly<Record<Exclude<Stage, 'waiting' | 'ended'>, true>> = {
  connecting: true,
  reading: true,
  planning: true,
  changing: true,
  checking: true,
  confirming: true,
  undoing: true,
}

const phase = text.describe('Its title in small letters: planning, applying')
const host = text.describe('Its name in the inventory')
const run = z.looseObject({ run: text.describe('Its id'), command: z.enum(keysOf(RUN_COMMANDS)) })

/** What each kind of event has besides; the compiler keeps the list whole. */
const EVENTS: Readonly<Record<FleetEvent['event'], z.ZodObject>> = {
  'phase-began': z.looseObject({ phase, hosts: z.int() }),
  stage: z.looseObject({ phase, host, stage: z.enum(keysOf(STAGES)) }),
  'host-ended': z.looseObject({
    phase,
    host,
    status: text,
    code: text.nullable().describe('Of the fault; null where nothing failed'),
    why: text.nullable(),
  }),
  remark: z.looseObject({ phase, text: text.describe('A wave, a pause, a stop, in words'), bad: z.boolean() }),
  wave: z.looseObject({
    phase,
    number: z.int().describe('From 1'),
    of: z.int().nullable().describe('How many there are; null as long as that is not known'),
    hosts: z.int().describe('How many begin with it'),
  }),
  'phase-ended': z.looseObject({ phase, counts: z.record(text, z.int()).describe('Hosts by status') }),
  approval: z.looseObject({
    host,
    plan: text.describe('The whole id of the plan that has the yes'),
    by: text.describe('Login name and machine'),
    how: z.enum(keysOf(APPROVAL_WAYS)),
    note: text.optional(),
  }),
  'approval-asked': z.looseObject({
    hosts: z.array(text).describe('Those that are asked about at once: their changes are the same'),
    plan: text.describe("The whole id of the first one's plan"),
  }),
  gate: z.looseObject({ host, gate: text, held: z.boolean(), why: text.describe('What was seen') }),
  result: z.looseObject({
    host,
    status: text.describe('As in the report'),
    plan: text.nullable().describe('The whole id'),
    transaction: text.nullable(),
    code: text.nullable().describe('Of the fault; null where nothing failed'),
    why: text.nullable(),
  }),
  'run-began': run,
  'run-ended': run,
}

/** One line of what `--events` writes. */
const eventSchema = z.union(
  keysOf(EVENTS).map((event) =>
    EVENTS[event].extend({ version: z.literal(1).optional(), time: time.optional(), event: z.literal(event) }),
  ),
)

export function eventJsonSchema(): object {
  return { ...z.toJSONSchema(eventSchema), title: 'ctfleet event' }
}
