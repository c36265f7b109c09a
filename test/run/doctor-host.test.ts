import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Fault, FaultCode } from '../../src/model/fault.ts'
import type { Host } from '../../src/model/host.ts'
import type { Outcome } from '../../src/model/outcome.ts'
import { doctorHost } from '../../src/run/doctor-host.ts'
import { ssh } from '../../src/transport/ssh.ts'
import type { Session } from '../../src/transport/transport.ts'
import { recordedAnswers } from '../facts/answers.ts'

afterEach(() => vi.restoreAllMocks())

const host: Host = {
  name: 'web-1',
  groups: [],
  address: '192.0.2.1',
  port: 22,
  user: 'ops',
  identityFiles: [],
  knownHostsFiles: [],
  become: 'sudo',
  transport: 'ssh',
  vars: {},
  origin: 'inventory.yaml:1:1',
}

describe('the first step that fails is named, those before it are well, and those after it were not reached', () => {
  const cases: readonly [code: FaultCode, failed: string, well: readonly string[]][] = [
    ['dns', 'address', []],
    ['refused', 'connection', ['address']],
    ['host-key-unknown', 'host key', ['address', 'connection']],
    ['host-key-changed', 'host key', ['address', 'connection']],
    ['login-timed-out', 'login', ['address', 'connection', 'host key']],
    ['auth', 'login', ['address', 'connection', 'host key']],
  ]
  test.each(cases)('%s', async (code, failed, well) => {
    refuses({ code, message: 'so it is', next: 'do that' })
    const checks = await look(host)
    expect(checks.filter(({ standing }) => standing === 'ok').map(({ check }) => check)).toEqual(well)
    expect(checks[well.length]).toEqual({ check: failed, standing: 'failed', said: 'so it is', next: 'do that' })
    expect(checks.slice(well.length + 1).every(({ standing }) => standing === 'not-reached')).toBe(true)
    expect(checks.at(-1)?.check).toBe('tracking')
  })
})

test('where the way is open, each step says by what; no conntrack program is worth a note', async () => {
  answers(() => exited(''), { loginBy: '~/.ssh/id_ed25519 (SHA256:x)' })
  const jump = { ...host, address: '192.0.2.9', user: 'gate' }
  const checks = await look({ ...host, jumps: [jump] })
  expect(checks.map(({ check, standing, said }) => [check, standing, said])).toEqual([
    ['hosts in between', 'ok', 'through gate@192.0.2.9 port 22'],
    ['address', 'ok', '192.0.2.1, looked up by the last host in between'],
    ['connection', 'ok', "port 22 is an sshd's"],
    ['host key', 'ok', 'the one that is known for it'],
    ['login', 'ok', 'as ops, with ~/.ssh/id_ed25519 (SHA256:x)'],
    ['shell', 'ok', 'a POSIX shell runs what is sent, as ops'],
    ['tools', 'ok', 'all that ctfleet needs of it is there'],
    ['root', 'ok', 'by sudo'],
    ['tracking', 'note', expect.stringMatching(/^CentOS Linux .*; 262.143 of 262.144 entries; iptables \(legacy\)/)],
  ])
})

test('of a pair of tools either will do, and both missing are told as one', async () => {
  answers((as) => exited(as === 'login-user' ? 'cksum\nsetsid\nnohup\nstat\n' : ''))
  const tools = (await look(host)).find(({ check }) => check === 'tools')
  expect(tools).toMatchObject({ standing: 'failed', said: 'missing: stat, setsid or nohup' })
})

test('without root the way is not open to the end, and it says what to do', async () => {
  const refused: Fault = { code: 'no-privilege', message: 'sudo wants a password', next: 'ctfleet plan -K' }
  answers((as) => (as === 'root' ? { refused } : exited('')))
  const root = (await look(host)).find(({ check }) => check === 'root')
  expect(root).toEqual({ check: 'root', standing: 'failed', said: 'sudo wants a password', next: 'ctfleet plan -K' })
})

test('a host that runs no shell is told so, with its login well', async () => {
  const refused: Fault = { code: 'no-shell', message: 'it runs nothing', next: 'look there' }
  answers(() => ({ refused }))
  const checks = await look(host)
  expect(checks.find(({ check }) => check === 'login')?.standing).toBe('ok')
  expect(checks.find(({ check }) => check === 'shell')).toMatchObject({ standing: 'failed', said: 'it runs nothing' })
})

async function look(at: Host) {
  return await doctorHost(at, { signal: new AbortController().signal, onStage: () => {} })
}

function refuses(refused: Fault): void {
  vi.spyOn(ssh, 'open').mockResolvedValue({ refused })
}

/** A host whose facts are a recorded answer; every other script is answered as told. */
function answers(
  answer: (as: 'root' | 'login-user') => Outcome | { readonly refused: Fault },
  more: Pick<Session, 'loginBy'> = {},
): void {
  const recorded = recordedAnswers().find(({ system }) => system === 'centos-7')?.answer ?? ''
  vi.spyOn(ssh, 'open').mockResolvedValue({
    ...more,
    host,
    async run(_script, { as, arguments: words }) {
      const told = answer(as)
      if ('refused' in told || words === undefined) return told
      return exited(recorded.replaceAll('recorded', words[0] ?? ''))
    },
    async [Symbol.asyncDispose]() {},
  })
}

function exited(stdout: string): Outcome {
  return { type: 'exited', code: 0, stdout, stderr: '', truncated: false } as Outcome
}
