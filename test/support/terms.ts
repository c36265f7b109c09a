import type { Terms } from '../../src/run/apply-host.ts'

/** What a test asks for beside a plan. */
export function terms(confirmWithinSeconds: number, keepSeconds: number | null = null): Terms {
  return { asker: { run: '20261126-0942-7f3a', by: 'tester@here' }, confirmWithinSeconds, keepSeconds }
}
