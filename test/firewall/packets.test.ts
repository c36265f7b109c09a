import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { withEdits } from '../../src/firewall/edits.ts'
import { notrackPatch } from '../../src/firewall/notrack.ts'
import { printRules } from '../../src/firewall/print.ts'
import { live } from './dump.ts'

const IP = 'ip'

/** Real kernels judge here: the patched rules are loaded into a namespace of its own, and packets are sent through. */
const missing = whatIsMissing()
const [host, client] = [`ctfleet-fw-${process.pid}-h`, `ctfleet-fw-${process.pid}-c`]

afterAll(() => {
  if (missing !== null) return
  for (const name of [host, client]) tryRun(IP, 'netns', 'del', name)
})

describe('real packets find the same ports open and closed after the patch as before it', () => {
  const cases: readonly [name: string, chains: string][] = [
    [
      'a default drop with states',
      `filter INPUT DROP
       -i lo -j ACCEPT
       -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
       -m conntrack --ctstate INVALID -j DROP
       -s 10.97.0.0/16 -p tcp -m tcp --dport 8080 -m conntrack --ctstate NEW -j ACCEPT`,
    ],
    [
      'replies that leave only when established',
      `filter INPUT DROP
       -m state --state ESTABLISHED -j ACCEPT
       -p tcp -m tcp --dport 8080 -m state --state NEW -j ACCEPT
       filter OUTPUT DROP
       -m state --state ESTABLISHED -j ACCEPT
       -o lo -m state --state NEW -j ACCEPT`,
    ],
    [
      'a chain that only new connections enter',
      `filter INPUT DROP
       -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
       -i lo -j ACCEPT
       -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j TCP
       -p tcp -j REJECT --reject-with tcp-reset
       filter TCP
       -p tcp -m tcp --dport 8080 -j ACCEPT`,
    ],
    [
      'a port that is closed',
      `filter INPUT DROP
       -i lo -j ACCEPT
       -m state --state ESTABLISHED -j ACCEPT
       -p tcp -m tcp --dport 22 -j ACCEPT`,
    ],
  ]
  test.skipIf(missing !== null).each(cases)('%s', { timeout: 60_000 }, async (_, chains) => {
    const rules = live(chains)
    const patch = notrackPatch([rules], [{ protocol: 'tcp', port: 8080 }], { families: ['ip'], backend: 'legacy' })
    if (!patch.safe) throw new Error(patch.why)
    const server = prepare()
    try {
      await server.up
      const reach = (dump: string) => {
        execFileSync(IP, ['netns', 'exec', host, 'iptables-legacy-restore'], { input: dump })
        return { outside: connects(client, '10.97.0.1'), itself: connects(host, '127.0.0.1') }
      }
      const before = reach(printRules(rules.rules))
      expect(reach(printRules(withEdits(rules.rules, patch.edits)))).toEqual(before)
    } finally {
      server.stop()
    }
  })
})

test('real packets could be sent', (context) => {
  if (missing !== null) context.skip(missing)
})

function whatIsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  if (!['/usr/sbin', '/sbin'].some((at) => existsSync(`${at}/iptables-legacy-restore`)))
    return 'no iptables-legacy-restore'
  const probe = `ctfleet-fw-${process.pid}-p`
  const works =
    tryRun(IP, 'netns', 'add', probe) && tryRun(IP, 'netns', 'exec', probe, 'iptables-legacy', '-t', 'raw', '-L', '-n')
  tryRun(IP, 'netns', 'del', probe)
  return works ? null : 'no network namespaces with a raw table here'
}

function prepare(): { readonly up: Promise<void>; readonly stop: () => void } {
  for (const name of [host, client]) {
    tryRun(IP, 'netns', 'del', name)
    execFileSync(IP, ['netns', 'add', name])
    execFileSync(IP, ['-n', name, 'link', 'set', 'lo', 'up'])
  }
  execFileSync(IP, ['-n', host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client])
  for (const [name, address] of [
    [host, '10.97.0.1/24'],
    [client, '10.97.0.2/24'],
  ] as const) {
    execFileSync(IP, ['-n', name, 'addr', 'add', address, 'dev', 'eth0'])
    execFileSync(IP, ['-n', name, 'link', 'set', 'eth0', 'up'])
  }
  const echo = `require('net').createServer((s) => { s.on('error', () => {}); s.pipe(s) }).listen(8080, '0.0.0.0', () => console.log('up'))`
  const server = spawn(IP, ['netns', 'exec', host, process.execPath, '-e', echo])
  return { up: new Promise((done) => server.stdout.once('data', () => done())), stop: () => server.kill('SIGKILL') }
}

/** One connection with two round trips, within a second each. */
function connects(from: string, address: string): boolean {
  const ask = `const s = require('net').connect(8080, '${address}', () => s.write('a'))
let seen = 0
s.on('data', () => { seen += 1; if (seen === 2) process.exit(0); s.write('b') })
s.on('error', () => process.exit(1))
setTimeout(() => process.exit(1), 1500)`
  return tryRun(IP, 'netns', 'exec', from, process.execPath, '-e', ask)
}

function tryRun(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
