// All tests that this machine allows; the last line is `N passed, N failed`. Arguments go to vitest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv, stderr, stdout } from 'node:process'
import { ensureDependencies, run } from './with-deps.mjs'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-tests-'))
const tallyFile = join(directory, 'tally.json')
let tally = { passed: 0, failed: 0 }
try {
  ensureDependencies()
  const code = await run('vitest', ['run', ...argv.slice(2)], { CTFLEET_TALLY_FILE: tallyFile })
  tally = JSON.parse(readFileSync(tallyFile, 'utf8'))
  // vitest may end badly with every test passed: no test found, coverage too low, a crash after the last one.
  if (code !== 0 && tally.failed === 0) tally = { ...tally, failed: 1 }
} catch (error) {
  stderr.write(`The tests did not run to the end: ${error.message}\n`)
  tally = { ...tally, failed: tally.failed + 1 }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`)
process.exitCode = tally.failed === 0 ? 0 : 1
