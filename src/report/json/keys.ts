import type { Fault } from '../../model/fault.ts'
import type { KeysResult } from '../../model/host-keys.ts'

const VERSION = 1

/** A host that the inventory names and does not say how to reach: it was not asked. */
type SetAsideResult = { readonly host: string; readonly status: 'failed'; readonly fault: Fault }

/** Each host's keys with their `standing`, and what was decided about the new ones; `keys` is empty where none were shown, `address` null where the host is set aside. */
export function keysJson(results: readonly (KeysResult | SetAsideResult)[]): object {
  return {
    version: VERSION,
    hosts: results.map((result) => ({
      host: result.host,
      address: 'address' in result ? result.address : null,
      port: 'port' in result ? result.port : null,
      status: result.status,
      keys: result.status === 'asked' ? result.keys : [],
      decision: result.status === 'asked' ? result.decision : null,
      file: result.status === 'asked' ? result.file : null,
      fault: 'fault' in result ? result.fault : null,
      why: 'why' in result ? result.why : null,
    })),
  }
}
