import { printComplaint } from '../input/complaint.ts'
import type { SetAside } from '../inventory/inventory.ts'
import type { Fault } from '../model/fault.ts'

/** A host that is meant and cannot be reached as the inventory has it: it fails without being contacted. */
export type AsideResult = { readonly host: string; readonly status: 'failed'; readonly fault: Fault }

export function asideResults(setAside: readonly SetAside[]): readonly AsideResult[] {
  return setAside.map(({ name, complaints }) => ({
    host: name,
    status: 'failed',
    fault: {
      code: 'inventory',
      message: complaints.map((complaint) => printComplaint({ ...complaint, hint: null })).join('; '),
      next: `${nextOf(complaints)}; or leave it out: --limit '!${name}'`,
    },
  }))
}

function nextOf(complaints: SetAside['complaints']): string {
  const hints = complaints.flatMap(({ hint }) => (hint === null ? [] : [hint]))
  return hints.length === 0 ? 'mend that' : [...new Set(hints)].join('; ')
}
