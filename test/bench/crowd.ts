import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey } from '../lab/ssh.ts'
import type { Target } from './tools.ts'

/** Thousands of hosts on loopback, in two processes: one in twenty is dead, silent, slow, lying about who it is, or hangs up. */
export type Crowd = {
  readonly privateKeyFile: string
  readonly privateKey: string
  hosts(count: number): readonly Target[]
  end(): void
}

/** One host in a hundred of each; all others answer at once. */
const KINDS = ['dead', 'silent', 'slow', 'lying', 'hangingUp'] as const
type Kind = (typeof KINDS)[number] | 'good'
type Ports = Readonly<Record<Exclude<Kind, 'dead'>, number>>

const SLOW_MS = 5000
const PROCESSES = 2
const ANSWER = join(import.meta.dirname, '../cases/facts/debian-12-linux-6.18/answer.txt')

export async function startCrowd(dir: string): Promise<Crowd> {
  const [own, other, login] = await Promise.all(
    ['host_key', 'other_key', 'id_ed25519'].map(async (name) => await generateKey(join(dir, name))),
  )
  const job = {
    hostKey: own?.key,
    otherKey: other?.key,
    answer: await readFile(ANSWER, 'utf8'),
    slowMs: SLOW_MS,
  }
  await writeFile(join(dir, 'crowd.json'), JSON.stringify(job))
  const children: ChildProcess[] = []
  const fillers: Socket[] = []
  const end = () => {
    for (const socket of fillers) socket.destroy()
    for (const child of children) child.kill('SIGKILL')
  }
  try {
    const crowds: Ports[] = []
    for (let at = 0; at < PROCESSES; at++) crowds.push((await portsOf(children, 'crowd.mjs', dir)) as Ports)
    const deaf = (await portsOf(children, 'deaf.mjs', dir)) as number
    for (let at = 0; at < 4; at++) fillers.push(connect(deaf, '127.0.0.1').on('error', () => {}))
    await sleep(200)
    const portOf = (kind: Kind, at: number) => (kind === 'dead' ? deaf : (crowds[at % PROCESSES] as Ports)[kind])
    const key = own?.publicKey.split(' ')[1] ?? ''
    return {
      privateKeyFile: join(dir, 'id_ed25519'),
      privateKey: login?.key ?? '',
      hosts: (count) =>
        Array.from({ length: count }, (_, at) => {
          const port = portOf(KINDS[at % 100] ?? 'good', at)
          return { name: `host-${at + 1}`, address: addressOf(at), port, user: 'root', key }
        }),
      end,
    }
  } catch (error) {
    end()
    throw error
  }
}

/** Starts one of the stand-ins, and waits for the line in which it says where it listens. */
async function portsOf(children: ChildProcess[], file: string, dir: string): Promise<unknown> {
  const words = [join(import.meta.dirname, file), join(dir, 'crowd.json')]
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return JSON.parse(line)
}

/** All of 127/8 leads here: an address for each host. */
function addressOf(at: number): string {
  return `127.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`
}
