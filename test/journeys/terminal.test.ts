import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { programWords } from '../support/program.ts'
import { canOpenScreen, openScreenIn, type Screen } from '../support/tmux.ts'

/** What a person at a terminal sees and is asked. */

const ables = [canRunLab(), canOpenScreen()]
const whyNot = ables.flatMap((able) => (able.ok ? [] : [able.why]))[0]

let dir: string
let lab: Lab
let web: LabHost
let before: string
let env: { readonly [name: string]: string }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (whyNot !== undefined) return
  lab = await startLab({ hosts: ['web-1'] })
  web = lab.host('web-1')
  before = await web.dump()
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await writeFile(join(dir, 'ctfleet'), `#!/bin/sh\nexec ${CTFLEET} "$@"\n`, { mode: 0o755 })
  const words = ['plan', '--strategy', 'notrack', '--ports', '80', '-o', join(dir, 'plan.json')]
  const planned = await ctfleet(words, env)
  if (planned.code !== 0) throw new Error(planned.stderr)
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (whyNot !== undefined) context.skip(whyNot)
})

describe.each([80, 200])('%i columns wide', (columns) => {
  let screen: Screen
  beforeAll(async () => {
    if (whyNot !== undefined) return
    screen = await openScreenIn({ dir, columns }, env)
  })
  afterAll(async () => await screen?.[Symbol.asyncDispose]())
  beforeEach(async () => await screen?.clear())
  // Lines that the terminal had to break are joined again in the text, and then wider than it is.
  afterEach(async () => {
    if (screen === undefined) return
    const lines = (await screen.text()).split('\n')
    const tooWide = lines.filter((line) => line.length > columns && !line.includes('echo "ended with $?"'))
    expect(tooWide).toEqual([])
  })

  test('no is an answer: nothing changes, and that is as wanted', async () => {
    await screen.type('ctfleet apply plan.json; echo "ended with $?"')
    expect(await asked(screen)).toContain('+ -t raw -A PREROUTING')
    await screen.press('n')
    await screen.press('Enter')
    const text = await screen.until(/ended with \d/)
    expect(text).toMatch(/web-1 +declined/)
    expect(text).toMatch(/1 host: 1 declined\n+ended with 0/)
    expect(await web.dump()).toBe(before)
  })

  test('Ctrl-C at the question ends it with 130, and nothing has changed', async () => {
    await screen.type('ctfleet apply plan.json; echo "ended with $?"')
    await asked(screen)
    await screen.press('C-c')
    expect(await screen.until(/ended with \d/)).toMatch(/Nothing was changed\.\n+ended with 130/)
    expect(await web.dump()).toBe(before)
  })

  test('what was typed before the question was there is no answer to it', async () => {
    await screen.type('ctfleet apply --strategy notrack --ports 80; echo "ended with $?"')
    await screen.until(/Planning/)
    await screen.press('y')
    await screen.press('Enter')
    await asked(screen)
    await screen.press('n')
    await screen.press('Enter')
    expect(await screen.until(/ended with \d/)).toMatch(/1 host: 1 declined\n+ended with 0/)
    expect(await web.dump()).toBe(before)
  })

  test('yes applies what was shown, and what was applied is taken back after another yes', async () => {
    await screen.type('ctfleet apply --strategy notrack --ports 80; echo "ended with $?"')
    await screen.until(/Planning +0 of 1|ended with \d/)
    await asked(screen)
    await screen.press('y')
    await screen.press('Enter')
    const applied = await screen.until(/ended with \d/)
    expect(applied).toMatch(/web-1 +applied +notrack 80\/tcp, 5 changes/)
    expect(applied).toMatch(/To take it back: ctfleet rollback \S+\n+ended with 0/)
    // What was drawn while it worked is gone: each phase leaves one line.
    expect(applied.match(/^(?:Planning|Applying).*$/gm)).toEqual([
      expect.stringMatching(/^Planning: \d+ s, 1 planned$/),
      expect.stringMatching(/^Applying: \d+ s, 1 applied$/),
    ])
    expect(await web.dump()).toContain('ctfleet:notrack:')

    await screen.clear()
    await screen.type('ctfleet rollback last; echo "ended with $?"')
    const question = await screen.until(/\(ynsfaqH\)|ended with \d/)
    expect(question).toMatch(
      /web-1: take back notrack 80\/tcp, 5 changes\s+\(transaction [0-9a-f]{10}\)\?\s+\(ynsfaqH\)/,
    )
    expect(question).toMatch(/remove \d rules? in IPv4 raw/)
    await screen.press('y')
    await screen.press('Enter')
    expect(await screen.until(/ended with \d/)).toMatch(/1 host: 1 rolled-back\n+ended with 0/)
    expect(await web.dump()).toBe(before)
  })

  test('a report is coloured for a person, and plain where colour is not wanted or nobody looks', async () => {
    await screen.type('ctfleet show plan.json; echo "ended with $?"')
    await endedWell(screen)
    expect(await screen.coloured()).toMatch(ESCAPE)

    await screen.clear()
    await screen.type('NO_COLOR=1 ctfleet plan --strategy notrack --ports 80; echo "ended with $?"')
    await endedWell(screen)
    expect(await screen.coloured()).not.toMatch(ESCAPE)

    await screen.clear()
    await screen.type(
      'ctfleet show plan.json | cat > plain; ctfleet show plan.json | head -1 > first; echo "ended with $?"',
    )
    const text = await endedWell(screen)
    const [plain, first] = await Promise.all([read('plain'), read('first')])
    expect(plain).not.toMatch(ESCAPE)
    expect(plain.split('\n')[0]).toMatch(/^Plan [0-9a-f]{12} for /)
    expect(first).toBe(plain.slice(0, plain.indexOf('\n') + 1))
    // Nobody complains that nobody read the rest.
    expect(text.replace(/^.*\$\?"\n/s, '')).toMatch(/^ended with 0\n+\$$/)
  })
})

const CTFLEET = programWords().join(' ')
const ESCAPE = new RegExp(String.fromCharCode(27))

async function asked(screen: Screen): Promise<string> {
  const text = await screen.until(/Go ahead\?|ended with \d/)
  expect(text).toMatch(/web-1: notrack 80\/tcp, 5 changes\. Go ahead\?/)
  return text
}

async function endedWell(screen: Screen): Promise<string> {
  const text = await screen.until(/ended with \d/)
  expect(text).toMatch(/^ended with 0$/m)
  return text
}

async function read(name: string): Promise<string> {
  return await readFile(join(dir, name), 'utf8')
}
