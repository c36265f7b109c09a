import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What takes minutes, the longest first: begun as the last one it would go on alone, with the other workers idle. A name that
 * is missing here costs a little time and nothing else.
 */
export const LONG = [
  'test/journeys/canary.test.ts',
  'test/journeys/persist.test.ts',
  'test/journeys/drift.test.ts',
  'test/journeys/vm-remedies.test.ts',
  'test/journeys/serve.test.ts',
  'test/journeys/native.test.ts',
  'test/journeys/crash.test.ts',
  'test/kernel/counters.test.ts',
  'test/mill/mill.test.ts',
  'test/journeys/serve-disk.test.ts',
  'test/laws/steps.test.ts',
  'test/journeys/approve.test.ts',
  'test/journeys/docs.test.ts',
  'test/journeys/waves.test.ts',
  'test/journeys/transaction-alone.test.ts',
]

/** Within each project the long ones begin first; then, as vitest has it, what failed last time, what took longer, what is larger. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files)
    const projects = [...new Set(usual.map(({ project }) => project))]
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONG.indexOf(relative(this.ctx.config.root, moduleId))
      return place === -1 ? LONG.length : place
    }
    return usual.toSorted((a, b) => projects.indexOf(a.project) - projects.indexOf(b.project) || rank(a) - rank(b))
  }
}
