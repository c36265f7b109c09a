// Draws docs/plan.svg anew: `npm run picture`. What is seen is what a terminal showed of real hosts.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canRunLab, startLab } from '../lab/index.ts'
import { installed } from '../support/installed.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'
import { terminalSvg } from './svg.ts'

const COLUMNS = 100
/** As much as a reader takes in; the rest is on the pages behind it. */
const LINES = 42

for (const able of [canRunLab(), canOpenScreen()]) if (!able.ok) throw new Error(`no picture: ${able.why}`)
const dir = await mkdtemp(join(tmpdir(), 'ctfleet-picture-'))
try {
  const program = await installed(join(dir, 'ctfleet-program'))
  await writeFile(join(dir, 'ctfleet'), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 })
  await using lab = await startLab({ hosts: ['web-1', 'web-2', 'healthy-1', 'dead-1'], dir: join(dir, 'lab') })
  for (const name of ['web-1', 'web-2']) await lab.host(name).fill({ percent: 95, port: 443 })
  const env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await using screen = await openScreen({ dir, columns: COLUMNS }, env)
  await screen.clear()
  await screen.type('ctfleet plan')
  await screen.until(/Nothing was changed\. Next/, 60)
  const shown = (await screen.coloured()).split('\n')
  const start = shown.findIndex((line) => line.includes('ctfleet plan'))
  const lines = shown.slice(Math.max(start, 0)).map((line, at) => (at === 0 ? '$ ctfleet plan' : line))
  const picture = lines.length > LINES ? [...lines.slice(0, LINES), '[…]'] : lines
  await writeFile('docs/plan.svg', terminalSvg('ctfleet plan, of four hosts', picture.join('\n'), COLUMNS))
  process.stdout.write(`docs/plan.svg: ${picture.length} of ${lines.length} lines\n`)
} finally {
  await rm(dir, { recursive: true, force: true })
}
