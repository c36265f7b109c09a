import { readFileSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Tests with virtual machines take minutes each: begun last, they would be waited for alone. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => Number(bootsMachines(b)) - Number(bootsMachines(a)))
  }
}

function bootsMachines({ moduleId }: TestSpecification): boolean {
  return /\bstartVm\(/.test(readFileSync(moduleId, 'utf8'))
}
