import { join } from 'node:path'

/** Where the record is kept: CTFLEET_STATE, else `ctfleet` under XDG_STATE_HOME, else under `~/.local/state`. */
export function stateDirectory(environment: { readonly [name: string]: string | undefined }, home: string): string {
  if (environment.CTFLEET_STATE) return environment.CTFLEET_STATE
  const base = environment.XDG_STATE_HOME?.startsWith('/') ? environment.XDG_STATE_HOME : join(home, '.local', 'state')
  return join(base, 'ctfleet')
}
