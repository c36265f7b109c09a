import type { FleetEvent } from '../model/event.ts'
import type { HostResult } from '../model/result.ts'

/** What a run came to, host by host: each check of its change, then how it ended. The last that is told of a run before its end. */
export function resultEvents(results: readonly HostResult[]): readonly FleetEvent[] {
  return results.flatMap((result): readonly FleetEvent[] => {
    const { host, status } = result
    const checked = 'checked' in result ? (result.checked ?? []) : []
    const fault = 'fault' in result ? (result.fault ?? null) : null
    return [
      ...checked.map(({ gate, held, message }) => ({ event: 'gate', host, gate, held, why: message }) as const),
      {
        event: 'result',
        host,
        status,
        plan: 'plan' in result ? (result.plan?.id ?? null) : null,
        transaction: 'transaction' in result ? result.transaction : null,
        code: fault?.code ?? null,
        why: fault?.message ?? ('why' in result ? (result.why ?? null) : null),
      },
    ]
  })
}
