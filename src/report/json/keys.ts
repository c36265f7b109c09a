import type { KeysResult } from '../../model/host-keys.ts'

const VERSION = 1

/** Each host's keys with their `standing`, and what was decided about the new ones; `keys` is empty where none were shown. */
export function keysJson(results: readonly KeysResult[]): object {
  return {
    version: VERSION,
    hosts: results.map((result) => ({
      host: result.host,
      address: result.address,
      port: result.port,
      status: result.status,
      keys: result.status === 'asked' ? result.keys : [],
      decision: result.status === 'asked' ? result.decision : null,
      file: result.status === 'asked' ? result.file : null,
      fault: 'fault' in result ? result.fault : null,
      why: 'why' in result ? result.why : null,
    })),
  }
}
