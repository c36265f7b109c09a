import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'

/** Gives each test of a file a record of runs of its own; what it returns says where that is. */
export function ownState(): () => string {
  let state: string
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'ctfleet-state-'))
    vi.stubEnv('CTFLEET_STATE', state)
  })
  afterEach(() => {
    rmSync(state, { recursive: true })
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })
  return () => state
}
