import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { planDocument } from '../../src/plan/document.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { databaseStore } from '../../src/store/database.ts'
import { loadEngine } from '../../src/store/engine.ts'
import { aPlan, aRun } from '../report/fleet.ts'
import { typed } from '../support/typed.ts'
import { RECORDED } from './recorded-facts.ts'

/** What is answered to a whole command line, before any host is asked; how the process itself ends is in `main.test.ts`. */

let directory: string
/** Accepts connections and says nothing, as a host in trouble may. */
let silent: Server
let contacts = 0

const wasAt = process.cwd()
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-lines-'))
  process.chdir(directory)
  vi.stubEnv('HOME', directory)
  vi.stubEnv('SSH_AUTH_SOCK', '')
  silent = createServer(() => contacts++)
  await new Promise<void>((ready) => silent.listen(0, '127.0.0.1', ready))
  const { port } = silent.address() as AddressInfo
  write('inventory.yaml', inventory(port))
  write('keyless.yaml', inventory(port, '\n      ansible_ssh_private_key_file: /nowhere/id_ed25519'))
  const { id: _, ...unsealed } = aPlan('web-1')
  const plan = sealPlan(unsealed)
  const document = planDocument('inventory.yaml', '2026-11-26T09:42:00.000Z', [
    { host: 'web-1', status: 'planned', plan },
  ])
  write('plan.json', JSON.stringify(document))
  write('edited.json', JSON.stringify(document).replace('1572864', '1572865'))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  process.chdir(wasAt)
  await new Promise((closed) => silent.close(closed))
  rmSync(directory, { recursive: true, force: true })
})

test('help lists the commands, with examples and exit codes', async () => {
  const { code, stdout } = await ctfleet('--help')
  expect(code).toBe(0)
  for (const word of [
    'facts',
    'explain',
    'plan',
    'apply',
    'rollback',
    'resume',
    'verify',
    'clean',
    'runs',
    'show',
    'ctfleet rollback last',
    '130 interrupted',
  ]) {
    expect(stdout).toContain(word)
  }
})

test('so is a misspelt option, and a command within another', async () => {
  expect(await ctfleet('plan', '--limti', 'web-1')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/unknown option '--limti'.*Did you mean --limit\?/s),
  })
  expect(await ctfleet('playbook', 'chekc')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/unknown command 'chekc'.*Did you mean check\?/s),
  })
})

test('the first steps of somebody who has nothing yet', async () => {
  expect(await ctfleet('init', 'begun.yaml', 'web-1', 'ops@db-1:2222')).toMatchObject({
    code: 0,
    stdout: 'begun.yaml: 2 hosts\n',
  })
  expect(await ctfleet('init', 'begun.yaml')).toMatchObject({ code: 2, stdout: '' })
  expect((await ctfleet('complete', 'zsh', 'plan', 'begun.yaml', '--limit', 'd')).stdout).toBe('db-1\n')
  expect(await ctfleet('playbook', 'check', 'begun.yaml')).toMatchObject({ code: 2, stdout: '' })
  expect((await ctfleet('playbook', 'list')).stdout).toContain('comes with ctfleet; judged for every host')
  expect((await ctfleet('completion', 'bash')).stdout).toContain('complete -F _ctfleet ctfleet')
  expect((await ctfleet('init', '--policy')).stdout).toContain('policy.yaml: a policy to be edited')
})

test('without a terminal and without --yes, apply is refused at once, with every other mistake', async () => {
  const { code, stderr } = await ctfleet('apply', 'keyless.yaml', '--confirm-within', 'soon')
  expect(code).toBe(2)
  expect(stderr).toMatch(/^\/nowhere\/id_ed25519: .*--confirm-within: .*--yes: there is no terminal to ask in/ms)
  expect(contacts).toBe(0)
})

test('a window that is too short for the gates is refused before any contact', async () => {
  write(
    'slow.yaml',
    'name: slow\ntitle: A slow one\nsteps: [file: {path: /a, content: b}]\nverify: [drops: {within: 2m}]\n',
  )
  const { code, stderr } = await ctfleet('apply', '--yes', '--strategy', './slow.yaml', '--confirm-within', '30s')
  expect(code).toBe(2)
  expect(stderr).toMatch(/--confirm-within: 30 s are too few: what slow asks .* may take 146 s/)
  expect(contacts).toBe(0)
})

test('a saved plan that was edited is no plan', async () => {
  const { code, stdout, stderr } = await ctfleet('show', 'edited.json')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/edited\.json: .*digest does not match.*ctfleet plan -o plan\.json/s)
})

test('of a saved plan one host is shown, in full', async () => {
  const { code, stdout, stderr } = await ctfleet('show', 'plan.json', 'web-1')
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^Plan [0-9a-f]{12} for inventory\.yaml.*\n.*web-1/s)
  const { stdout: json } = await ctfleet('show', 'plan.json', 'web-1', '--format', 'json')
  expect(JSON.parse(json).hosts).toMatchObject([{ host: 'web-1' }])
})

test('a saved plan has its strategy already', async () => {
  const { code, stderr } = await ctfleet('apply', 'plan.json', '--yes', '--strategy', 'tune')
  expect(code).toBe(2)
  expect(stderr).toContain('--strategy: plan.json is a saved plan, which has its strategy already')
})

describe('from recorded facts', () => {
  beforeAll(() => {
    write('facts.json', JSON.stringify(RECORDED))
    write('half.json', JSON.stringify(RECORDED).slice(0, 500))
  })

  test('plan judges and shows what would change, says that it is indicative, and contacts no host', async () => {
    const { code, stdout, stderr } = await ctfleet('plan', '--facts', 'facts.json', '--limit', 'web', '--exit-code')
    expect(code, stderr).toBe(4)
    expect(stdout).toMatch(/^indicative: judged from facts recorded at 2026-11-26 09:42:00 UTC, cannot be applied\n/)
    expect(stdout).toMatch(/web-1: indicative, unload\n.*Changes, indicative\n.*- module nf_conntrack/s)
    expect(stdout).not.toContain('db-1')
    expect(stderr).toContain('No host was contacted')
    expect(contacts).toBe(0)
  })

  test('explain says what each strategy would change, in text', async () => {
    const text = await ctfleet('explain', '--facts', 'facts.json')
    expect(text.code, text.stderr).toBe(1)
    expect(text.stdout).toMatch(/web-1: unload would be chosen.*all 250.000 go.*db-1: not-reached/s)
  })

  test('what such a plan printed cannot be applied', async () => {
    const { stdout } = await ctfleet('plan', '--facts', 'facts.json', '--format', 'json')
    write('indicative.json', stdout)
    const applied = await ctfleet('apply', 'indicative.json', '--yes')
    expect(applied).toMatchObject({ code: 2, stdout: '' })
    expect(applied.stderr).toMatch(/indicative\.json: is an indicative plan.*cannot be applied\n {2}.*ctfleet plan -o/)
  })

  const MISTAKES: readonly (readonly [line: string, said: RegExp])[] = [
    [
      'plan --facts facts.json -o x.json',
      /--output: a plan from recorded facts cannot be applied, so it is not saved\n {2}/,
    ],
    ['plan --facts facts.json inventory.yaml', /--facts: .*an inventory is named too: inventory\.yaml\n {2}leave one/],
    ['plan --facts half.json', /half\.json: is not JSON, or not all of it\n {2}.*ctfleet facts --format json/],
    ['plan --facts plan.json', /plan\.json: is a saved plan, not facts\n {2}.*ctfleet facts --format json/],
    [
      'explain --facts nowhere.json',
      /nowhere\.json: cannot be read: there is no such file or directory\n {2}.*ctfleet facts/,
    ],
    ['explain --facts facts.json --limit wbe', /--limit: .*"wbe"\n {2}did you mean "web"\?/],
    ['apply --facts facts.json', /unknown option '--facts'/],
    [
      'plan plan.json',
      /^plan\.json:1:1: is a saved plan, and is no inventory\n.*show plan\.json\n.*apply plan\.json\n$/,
    ],
    [
      'show inventory.yaml',
      /^inventory\.yaml: is no saved plan\n {2}if it is an inventory: ctfleet plan inventory\.yaml/,
    ],
    ...['plan facts.json', 'explain -i facts.json', 'facts facts.json'].map(
      (line) =>
        [
          line,
          /^facts\.json:1:1: holds recorded facts, and is no inventory\n {2}.*ctfleet plan --facts facts\.json\n$/,
        ] as const,
    ),
  ]
  test.each(MISTAKES)('%s', async (line, said) => {
    const { code, stdout, stderr } = await ctfleet(...line.split(' '))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(said)
  })
})

test('the record of a later ctfleet is left to it', async () => {
  const state = join(directory, 'of-later')
  await databaseStore(state, () => {}).save(aRun())
  const database = new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 0 })
  database.exec('pragma user_version = 99')
  database.close()
  const { code, stdout, stderr } = await ctfleet('runs', { CTFLEET_STATE: state })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/ctfleet\.db: it was written by a later ctfleet \(version 99.*\n {2}use that ctfleet here/)
})

test('what is not there to take back is said, with what to look at', async () => {
  const state = join(directory, 'rolled-back')
  mkdirSync(state)
  await databaseStore(state, () => {}).save(aRun({ results: [] }))
  const { code, stderr } = await ctfleet('rollback', '20261126', '--yes', { CTFLEET_STATE: state })
  expect(code).toBe(2)
  expect(stderr).toMatch(/this run applied nothing that could be taken back.*ctfleet runs/s)
})

describe('commands about runs and what they left', () => {
  const state = () => join(directory, 'with-one-run')
  const DONE = {
    host: 'web-1',
    status: 'rolled-back',
    plan: aPlan('web-1'),
    transaction: '3fe12545e6',
    fault: null,
  } as const
  const RESUMED = aRun({ id: '20261126-1001-aaaa', command: 'resume', of: aRun().id, results: [DONE] })
  beforeAll(async () => {
    mkdirSync(state())
    await databaseStore(state(), () => {}).save(aRun({ results: [DONE] }))
    await databaseStore(state(), () => {}).save(RESUMED)
  })

  test('an ended run has nothing to resume, which is as wanted, and is shown with what came later', async () => {
    const resumed = await ctfleet('resume', aRun().id, { CTFLEET_STATE: state() })
    expect(resumed).toMatchObject({
      code: 0,
      stdout: `Nothing of run ${aRun().id} is open: how each of its hosts ended is on record.\n`,
    })
    const shown = await ctfleet('show', aRun().id, '--format', 'json', { CTFLEET_STATE: state() })
    expect(JSON.parse(shown.stdout)).toMatchObject({ run: aRun().id, command: 'apply', hosts: [{ host: 'web-1' }] })
    const text = await ctfleet('show', aRun().id, { CTFLEET_STATE: state() })
    expect(text.stdout).toMatch(/^Run .*: apply by .*Later: resume 20261126-1001-aaaa by .*web-1 +rolled-back/s)
    expect(contacts).toBe(0)
  })

  const MISTAKES: readonly (readonly [line: string, said: RegExp])[] = [
    ['resume', /missing required argument 'run'/],
    ['resume nope', /^nope: no run has this id\n {2}see which there are: ctfleet runs\n$/],
    ['resume last', /^last: every run from here has ended, and no host of any needs hands\n/],
    [
      'resume 20261126-1001',
      /this run is itself a resume\n {2}the one that it closed: ctfleet resume 20261126-0942-7f3a/,
    ],
    ['show nope', /^nope: no run has this id, and there is no such file\n/],
    ['show 20261126-0942 web-9', /^web-9: run \S+ has no host of this name\n {2}did you mean "web-1"\?\n$/],
    ['show plan.json web-9', /^web-9: saved plan [0-9a-f]{12} has no host of this name\n {2}did you mean "web-1"\?\n$/],
    ['rollback last', /^last: nothing that was applied from here still stands\n {2}see what was run: [^\n]*\n$/],
    ['verify nope --forks 0', /^nope: no run has this id, and there is no such file\n.*--forks: /s],
    ['verify 20261126-0942', /nothing that it applied still stands, as far as is known here\n/],
    ['verify', /^\.\/inventory\.yaml: nothing that still stands was applied to these hosts from here\n/],
    ['rollback --yes', /^rollback: it is not said which run to take back\n.*--from-hosts INVENTORY/],
    [
      'rollback --from-hosts nope.yaml --yes --waves 2',
      /^--waves: with --from-hosts all hosts go at once\n.*nope\.yaml: no such file/s,
    ],
    ['clean --limit wbe', /^--limit: no host or group .*"wbe".*--yes: there is no terminal to ask in/s],
  ]
  test.each(MISTAKES)('%s', async (line, said) => {
    const { code, stdout, stderr } = await ctfleet(...line.split(' '), { CTFLEET_STATE: state() })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(said)
    expect(contacts).toBe(0)
  })
})

type Options = { readonly CTFLEET_STATE: string }

/** Typed where `directory` is; the last argument may say more. */
async function ctfleet(...words: readonly (string | Options)[]) {
  const { CTFLEET_STATE } = words.find((word) => typeof word !== 'string') ?? {
    CTFLEET_STATE: join(directory, 'state'),
  }
  vi.stubEnv('CTFLEET_STATE', CTFLEET_STATE)
  return await typed(words.filter((word) => typeof word === 'string'))
}

function inventory(port: number, more = ''): string {
  return `all:\n  hosts:\n    web-1:\n      ansible_host: 127.0.0.1\n      ansible_port: ${port}${more}\n`
}

function write(name: string, text: string): void {
  writeFileSync(join(directory, name), text)
}
