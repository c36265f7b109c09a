import type { Host } from '../model/host.ts'

/** A host to choose by its name and groups alone: nobody logs in to it. */
export function nameOnly(name: string, groups: readonly string[], origin: string): Host {
  return {
    name,
    groups,
    address: '',
    port: 0,
    user: '',
    identityFiles: [],
    knownHostsFiles: [],
    become: 'none',
    transport: 'local',
    vars: {},
    origin,
  }
}
