import type { VerifyResult } from '../../model/verification.ts'

const VERSION = 1

/** Each host's `status`, `transaction`, `restarted`, `remark`, `changes`, `fault` and `why`; null or `[]` where there is none. */
export function verificationJson(results: readonly VerifyResult[]): object {
  return {
    version: VERSION,
    hosts: results.map((result) => ({
      host: result.host,
      status: result.status,
      transaction: 'transaction' in result ? result.transaction : null,
      restarted: 'restarted' in result ? result.restarted : null,
      remark: 'remark' in result ? result.remark : null,
      changes: 'changes' in result ? result.changes : [],
      fault: 'fault' in result ? result.fault : null,
      why: 'why' in result ? result.why : null,
    })),
  }
}
