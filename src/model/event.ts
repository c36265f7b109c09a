import type { FaultCode } from './fault.ts'
import type { GateName } from './plan.ts'
import type { HostStatus } from './result.ts'
import type { Approval, Run } from './run.ts'

/** What happens while a command works; `host` is a name of the inventory, `phase` the title of the progress in lower case. */
export type FleetEvent =
  | { readonly event: 'phase-began'; readonly phase: string; readonly hosts: number }
  | { readonly event: 'stage'; readonly phase: string; readonly host: string; readonly stage: Stage }
  /** `code` and `why` are null where nothing failed. */
  | {
      readonly event: 'host-ended'
      readonly phase: string
      readonly host: string
      readonly status: string
      readonly code: FaultCode | null
      readonly why: string | null
    }
  /** `of`: null as long as nobody knows how many waves there will be. */
  | {
      readonly event: 'wave'
      readonly phase: string
      readonly number: number
      readonly of: number | null
      readonly hosts: number
    }
  /** A wave, a pause, a stop, in the words of the progress. */
  | { readonly event: 'remark'; readonly phase: string; readonly text: string; readonly bad: boolean }
  | { readonly event: 'phase-ended'; readonly phase: string; readonly counts: { readonly [status: string]: number } }
  /** A person is asked about these hosts, whose changes are the same; `plan` is the id of the first one's. */
  | { readonly event: 'approval-asked'; readonly hosts: readonly string[]; readonly plan: string }
  | ({ readonly event: 'approval' } & Omit<Approval, 'at'>)
  /** What came of one check of a change; `why` is what was seen. */
  | {
      readonly event: 'gate'
      readonly host: string
      readonly gate: GateName
      readonly held: boolean
      readonly why: string
    }
  /** How a host of a run ended in the end, one for each; null where there is none of it. */
  | {
      readonly event: 'result'
      readonly host: string
      readonly status: HostStatus
      readonly plan: string | null
      readonly transaction: string | null
      readonly code: FaultCode | null
      readonly why: string | null
    }
  | { readonly event: 'run-began' | 'run-ended'; readonly run: string; readonly command: Run['command'] }

/** Where a host is on its way; shown as progress. */
export type Stage =
  | 'waiting'
  | 'connecting'
  | 'reading'
  | 'planning'
  | 'changing'
  | 'checking'
  | 'confirming'
  | 'undoing'
  | 'ended'
