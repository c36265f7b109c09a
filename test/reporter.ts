import { writeFileSync } from 'node:fs'
import type { SerializedError } from 'vitest'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** How a test run ended; `skipped` holds one line for each test that did not run: its name and why. */
export type Tally = { readonly passed: number; readonly failed: number; readonly skipped: readonly string[] }

/**
 * Prints which tests were skipped and why, then `N passed, N failed` as the last line.
 * With CTFLEET_TALLY_FILE it leaves the tally there as JSON and the last line to whoever started the run.
 */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tally = tallyOf(modules, unhandled.length)
    const file = process.env.CTFLEET_TALLY_FILE
    const skipped = tally.skipped.map((line) => `Skipped: ${line}\n`).join('')
    if (skipped !== '') process.stdout.write(`${skipped}\n`)
    if (file === undefined) process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`)
    else writeFileSync(file, JSON.stringify(tally))
  }
}

/** A file that could not be loaded and an error outside every test count as one failure each. */
function tallyOf(modules: readonly TestModule[], unhandled: number): Tally {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const ended = (state: string) => tests.filter((test) => test.result().state === state)
  const broken = modules.filter((module) =>
    [module, ...module.children.allSuites()].some((each) => each.errors().length > 0),
  )
  return {
    passed: ended('passed').length,
    failed: ended('failed').length + broken.length + unhandled,
    skipped: [...ended('skipped'), ...ended('pending')].map(
      (test) => `${test.module.relativeModuleId}: ${test.fullName} — ${whyNot(test)}`,
    ),
  }
}

function whyNot(test: TestCase): string {
  const result = test.result()
  if (result.state === 'skipped' && result.note !== undefined) return result.note
  return test.options.mode === 'todo' ? 'still to be written' : 'no reason given'
}
