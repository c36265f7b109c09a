import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { run } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { objections } from '../support/json-schema.ts'
import { programWords } from '../support/program.ts'
import { UDP_PLAYBOOK } from '../support/udp-playbook.ts'

/** `--events` over real runs: what is told adds up to what is reported, and whoever listens badly changes nothing. */

const able = canRunLab()
const PASSWORD = 'lab'
let lab: Lab
let dir: string
let env: { readonly [name: string]: string }
let wish: readonly string[]

type Told = { readonly event: string; readonly [member: string]: unknown }

beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-events-journey-'))
  lab = await startLab({ hosts: ['web-1', 'web-2', 'askpass-1', 'sudo-1', 'dead-1'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state'), SSH_AUTH_SOCK: '' }
  await writeFile(join(dir, 'udp.yaml'), UDP_PLAYBOOK)
  await writeFile(join(dir, 'password'), `${PASSWORD}\n`, { mode: 0o600 })
  // It is planned, and then the file cannot be staged there.
  const broken = 'mv /etc/sysctl.d /etc/sysctl.gone; ln -s /proc/sys /etc/sysctl.d'
  await lab.host('sudo-1').exec(broken)
  wish = ['--strategy', join(dir, 'udp.yaml'), '--become-pass-from', join(dir, 'password'), '--format', 'json']
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('the events of an apply add up to its report, fit their schema, and hold no secret', async () => {
  const file = join(dir, 'events.jsonl')
  const applied = await ctfleet(['apply', ...wish, '--yes', '--max-fail', '100%', '--events', file], env)
  expect(applied.stdout, applied.stderr).not.toBe('')
  const report = JSON.parse(applied.stdout)
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const told: readonly Told[] = lines.map((line) => JSON.parse(line))
  const schema = JSON.parse(await readFile('schemas/event.json', 'utf8'))
  for (const event of told) expect(objections(schema, event), JSON.stringify(event)).toEqual([])
  for (const event of told) expect(event).toMatchObject({ version: 1, time: expect.stringMatching(/^\d{4}-.*Z$/) })
  expect(lines.join('\n')).not.toMatch(/"lab"|password\\n/)

  type Host = { readonly host: string; readonly status: string; readonly fault?: { readonly code: string } | null }
  const reported = new Map((report.hosts as readonly Host[]).map((host) => [host.host, host]))
  expect(Object.fromEntries([...reported].map(([host, { status }]) => [host, status]))).toEqual({
    'web-1': 'applied',
    'web-2': 'applied',
    'askpass-1': 'applied',
    'sudo-1': 'refused',
    'dead-1': 'unreachable',
  })
  const results = of(told, 'result')
  expect(new Map(results.map(({ host, status, code }) => [host, { status, code }]))).toEqual(
    new Map([...reported].map(([host, { status, fault }]) => [host, { status, code: fault?.code ?? null }])),
  )

  // Each phase begins, ends, and counts what it told of.
  for (const { phase, counts } of of(told, 'phase-ended')) {
    const ended = of(told, 'host-ended').filter((each) => each.phase === phase)
    const counted: { [status: string]: number } = {}
    for (const { status } of ended) counted[String(status)] = (counted[String(status)] ?? 0) + 1
    expect(counted).toEqual(counts)
  }
  expect(of(told, 'phase-began').map(({ phase }) => phase)).toEqual(of(told, 'phase-ended').map(({ phase }) => phase))

  // A yes comes before the host is changed, its checks before its result, and all of it within the run.
  const at = (event: string, host: string) => told.findIndex((each) => each.event === event && each.host === host)
  for (const [host, { status }] of reported) {
    if (status !== 'applied') continue
    const changing = told.findIndex((each) => each.stage === 'changing' && each.host === host)
    expect(at('approval', host)).toBeGreaterThan(told.findIndex(({ event }) => event === 'run-began'))
    expect(changing).toBeGreaterThan(at('approval', host))
    const gates = of(told, 'gate').filter((each) => each.host === host)
    expect(gates.map(({ gate, held }) => [gate, held])).toEqual([
      ['login', true],
      ['reads-back', true],
    ])
    expect(at('result', host)).toBeGreaterThan(at('gate', host))
  }
  expect(told.at(-1)).toMatchObject({ event: 'run-ended', run: of(told, 'run-began')[0]?.run, command: 'apply' })

  const counts = `[.[] | select(.event == "result")] | group_by(.status) | map({(.[0].status): length}) | add`
  const jq = await run(['jq', '-c', '-s', counts, file])
  if (jq.code === 0) expect(JSON.parse(jq.stdout)).toEqual(tally([...reported.values()].map(({ status }) => status)))
}, 120_000)

const LISTENERS: readonly [who: string, command: string][] = [
  ['dies at once', 'exec true'],
  ['reads a little and dies', 'head -c 300 > /dev/null'],
  ['takes nothing', 'sleep 600'],
]
test.each(LISTENERS)(
  'a listener that %s changes neither the results nor the exit code',
  async (_who, command) => {
    const [node, program] = programWords()
    const words = [
      program,
      'rollback',
      'last',
      '--yes',
      '--format',
      'json',
      '--become-pass-from',
      join(dir, 'password'),
    ]
    // Whatever stands is taken back and put in place again, so that each listener has a whole run.
    const again = await ctfleet(['apply', ...wish, '--yes', '--limit', 'web-1,web-2'], env)
    const before = JSON.parse(again.stdout).hosts.map(({ status }: { status: string }) => status)
    expect(['applied', 'already-right']).toContain(before[0])
    const listener = spawn('sh', ['-c', command], { stdio: ['pipe', 'ignore', 'ignore'] })
    const child = spawn(node, [...words, '--events', '3'], {
      stdio: ['ignore', 'pipe', 'pipe', listener.stdin],
      env: { ...process.env, ...env },
    })
    let stdout = ''
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
    })
    const [code] = await once(child, 'close')
    listener.kill('SIGKILL')
    expect(code).toBe(0)
    const statuses = JSON.parse(stdout).hosts.map(({ status }: { readonly status: string }) => status)
    expect(statuses).toEqual(statuses.map(() => 'rolled-back'))
  },
  120_000,
)

function of(told: readonly Told[], event: string): readonly Told[] {
  return told.filter((each) => each.event === event)
}

function tally(statuses: readonly string[]): { readonly [status: string]: number } {
  const counts: { [status: string]: number } = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
