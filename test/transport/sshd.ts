import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Host } from '../../src/model/host.ts'

export type Sshd = {
  readonly directory: string
  readonly port: number
  /** root on this sshd, with its key and its host key. */
  readonly host: Host
  /** The public half of the host key, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string
  /** What sshd logged so far. */
  log(): string
  stop(): Promise<void>
}

/** Why no sshd can be started here; undefined when one can. */
export function whyNoSshd(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, to log in as root on an sshd of its own'
  for (const program of ['/usr/sbin/sshd', '/usr/bin/ssh-keygen']) if (!existsSync(program)) return `needs ${program}`
  return undefined
}

/** A real sshd on a high loopback port, with keys and configuration of its own in a new directory. */
export async function startSshd(lines: readonly string[] = []): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), 'ctfleet-sshd-'))
  const file = (name: string) => join(directory, name)
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  makeKey(file('host'), 'ed25519')
  makeKey(file('user'), 'ed25519')
  const port = await freePort()
  writeFileSync(file('authorized_keys'), readFileSync(file('user.pub')))
  writeFileSync(
    file('config'),
    [
      ...lines,
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${file('host')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      `PidFile ${file('pid')}`,
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'StrictModes no',
      'UsePAM no',
      // Bash would otherwise read the login files of this machine's root, which may take longer than the login.
      'SetEnv SHLVL=2',
      'MaxStartups 500',
      'MaxSessions 20',
      '',
    ].join('\n'),
  )
  const child = spawn('/usr/sbin/sshd', ['-D', '-E', file('log'), '-f', file('config')], { stdio: 'ignore' })
  const log = () => (existsSync(file('log')) ? readFileSync(file('log'), 'utf8') : '')
  for (let tries = 0; !(await answers(port)); tries++) {
    if (child.exitCode !== null || tries === 100) throw new Error(`sshd did not start: ${log()}`)
    await sleep(50)
  }
  const [type, key] = readFileSync(file('host.pub'), 'utf8').split(' ')
  const hostKey = `${type} ${key}`
  writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`)
  return {
    directory,
    port,
    hostKey,
    host: {
      name: 'real',
      groups: [],
      address: '127.0.0.1',
      port,
      user: 'root',
      identityFiles: [file('user')],
      knownHostsFiles: [file('known_hosts')],
      become: 'none',
      transport: 'ssh',
      vars: {},
      origin: 'test',
    },
    log,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        child.kill()
        await gone
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export function makeKey(path: string, type: string, passphrase = ''): void {
  const made = spawnSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', path])
  if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr.toString()}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
