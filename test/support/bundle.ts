import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { installed } from './installed.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly program: string
  }
}

/** Bundles ctfleet once for all journeys, which start it some hundred times. */
export async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(tmpdir(), 'ctfleet-journeys-'))
  project.provide('program', await installed(join(directory, 'ctfleet')))
  return () => rmSync(directory, { recursive: true })
}
