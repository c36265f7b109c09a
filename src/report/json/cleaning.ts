import type { CleanResult } from '../../model/cleaning.ts'

const VERSION = 1

/** Each host's `status`, the names in `/var/lib/ctfleet` that were `removed`, and why others were `kept`; `fault`, `why` or null. */
export function cleaningJson(results: readonly CleanResult[]): object {
  return {
    version: VERSION,
    hosts: results.map((result) => ({
      host: result.host,
      status: result.status,
      removed: 'removed' in result ? result.removed : [],
      kept: 'kept' in result ? result.kept : [],
      fault: 'fault' in result ? result.fault : null,
      why: 'why' in result ? result.why : null,
    })),
  }
}
