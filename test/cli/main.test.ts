import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { planDocument } from '../../src/plan/document.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { databaseStore } from '../../src/store/database.ts'
import { aPlan, aRun } from '../report/fleet.ts'
import { programWords } from '../support/program.ts'
import { RECORDED } from './recorded-facts.ts'

/** The program as a process: its streams, its exit code, its signals. What is answered is in `command-lines.test.ts`. */

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const [node, program] = programWords()

let directory: string
/** Accepts connections and says nothing, as a host in trouble may. */
let silent: Server
let contacts = 0

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-cli-'))
  silent = createServer(() => contacts++)
  await new Promise<void>((ready) => silent.listen(0, '127.0.0.1', ready))
  const { port } = silent.address() as AddressInfo
  write('inventory.yaml', inventory(port))
  const { id: _, ...unsealed } = aPlan('web-1', { script: '#!/bin/sh\n'.repeat(20_000) })
  const plan = sealPlan(unsealed)
  const document = planDocument('inventory.yaml', '2026-11-26T09:42:00.000Z', [
    { host: 'web-1', status: 'planned', plan },
  ])
  write('plan.json', JSON.stringify(document))
  write('facts.json', JSON.stringify(RECORDED))
})
afterAll(() => {
  silent.close()
  rmSync(directory, { recursive: true, force: true })
})

test('the version alone', async () => {
  expect(await ctfleet('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test('a misspelt command is a usage mistake, with the one that was meant', async () => {
  const { code, stdout, stderr } = await ctfleet('aply')
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/unknown command 'aply'.*Did you mean apply\?/s)
})

test('all mistakes are told at once, before any contact', async () => {
  const mistakes = ['--limit', 'wbe-1', '--strategy', 'unlaod', '--ports', 'http', '--forks', '0', '--near-full', '200']
  const { code, stdout, stderr } = await ctfleet('plan', ...mistakes, '--format', 'xml', '-o', 'nowhere/plan.json')
  expect(code).toBe(2)
  expect(stdout).toBe('')
  for (const option of ['--limit', '--strategy', '--ports', '--forks', '--near-full', '--format', '--output']) {
    expect(stderr).toContain(`${option}: `)
  }
  expect(stderr).toMatch(/did you mean "web-1"\?.*did you mean "unload"\?/s)
  expect(contacts).toBe(0)
})

test('a document comes through a pipe, too', async () => {
  const { code, stdout, stderr } = await run('bash', [
    '-c',
    `cat facts.json | "${node}" "${program}" explain --facts /dev/stdin -l web-1 --format json`,
  ])
  expect(code, stderr).toBe(0)
  const { source, hosts } = JSON.parse(stdout)
  expect(source).toEqual({ facts: '/dev/stdin', takenAt: RECORDED.takenAt, tool: RECORDED.tool })
  expect(hosts).toMatchObject([{ host: 'web-1', choice: { strategy: 'unload' }, ports: { known: true } }])
  expect(contacts).toBe(0)
})

test('what cannot be said on a full disk does not keep the work from being done', async () => {
  const { code, stdout } = await run('bash', [
    '-c',
    `"${node}" "${program}" plan --facts facts.json --limit web 2>/dev/full`,
  ])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^indicative: judged from facts/)
})

test('a reader that goes away early is nothing to complain about', async () => {
  const { code, stdout, stderr } = await run('bash', [
    '-c',
    `set -o pipefail; "${node}" "${program}" show plan.json --scripts | head -n 1`,
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Plan [0-9a-f]{12} for inventory\.yaml/)
})

test('a report that a full disk does not take is said in one line, with exit code 2', async () => {
  for (const words of ['show plan.json', 'show plan.json --format json', 'playbook list', '--version']) {
    const { code, stderr } = await run('bash', ['-c', `"${node}" "${program}" ${words} >/dev/full`])
    expect(stderr).toBe('stdout: cannot be written: no space is left on the device; what was printed is not whole\n')
    expect(code).toBe(2)
  }
})

test('a slow reader of a large report gets all of it', async () => {
  const state = join(directory, 'with-many')
  const results = Array.from(
    { length: 3000 },
    (_, at) => ({ host: `host-${at}`, status: 'not-reached', why: '' }) as const,
  )
  await databaseStore(state, () => {}).save(aRun({ results }))
  const script = `"${node}" "${program}" runs --format json | (sleep 3; cat)`
  const { stdout } = await run('bash', ['-c', script], { CTFLEET_STATE: state })
  expect(JSON.parse(stdout).runs[0].hosts).toHaveLength(3000)
})

test('runs are JSON on stdout and nothing else, while a damaged record is named on stderr', async () => {
  const state = join(directory, 'with-runs')
  await databaseStore(state, () => {}).save(aRun())
  mkdirSync(join(state, 'runs'))
  writeFileSync(join(state, 'runs', 'bad.json'), '{')
  const { code, stdout, stderr } = await ctfleet('runs', '--format', 'json', { CTFLEET_STATE: state })
  expect(code).toBe(0)
  expect(JSON.parse(stdout).runs).toMatchObject([{ id: aRun().id, command: 'apply' }])
  expect(stderr).toMatch(/bad\.json is not JSON.*it was not taken over/s)
})

test('Ctrl-C ends a run with 130, and every host has a result all the same', async () => {
  const { code, stdout, stderr } = await ctfleet('facts', '--format', 'json', { interruptAt: () => contacts > 0 })
  expect(code).toBe(130)
  expect(stderr).toContain('Stopping: no further host begins')
  expect(JSON.parse(stdout).hosts).toMatchObject([{ host: 'web-1' }])
})

type Options = { readonly CTFLEET_STATE?: string; readonly interruptAt?: () => boolean }

/** Runs the CLI as a script would: no terminal anywhere. The last argument may say more. */
async function ctfleet(...words: readonly (string | Options)[]) {
  const options = words.find((word) => typeof word !== 'string') ?? {}
  const args = words.filter((word) => typeof word === 'string')
  return await run(node, [program, ...args], options)
}

async function run(file: string, args: readonly string[], { CTFLEET_STATE, interruptAt }: Options = {}) {
  const { PATH } = process.env
  const env = { PATH, HOME: directory, CTFLEET_STATE: CTFLEET_STATE ?? join(directory, 'state') }
  const child = spawn(file, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const timer = setInterval(() => {
    if (interruptAt?.() !== true) return
    clearInterval(timer)
    child.kill('SIGINT')
  }, 20)
  const code = await new Promise<number | null>((ended) => child.on('close', ended))
  clearInterval(timer)
  return { code, stdout, stderr }
}

function inventory(port: number, more = ''): string {
  return `all:\n  hosts:\n    web-1:\n      ansible_host: 127.0.0.1\n      ansible_port: ${port}${more}\n`
}

function write(name: string, text: string): void {
  writeFileSync(join(directory, name), text)
}
