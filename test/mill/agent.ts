import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Ended } from '../lab/command.ts'

/** One probe: a connect or a first datagram, and two round trips. */
export type Question = {
  readonly protocol: 'tcp' | 'udp'
  readonly to: string
  readonly port: number
  /** Where it comes from, when that is not the kernel's choice. */
  readonly source?: { readonly address?: string; readonly port?: number }
  /** Keeps the connection open under this name, to be tried again later. */
  readonly hold?: string
}

/** The program that probes and serves inside one network namespace. */
export type Agent = AsyncDisposable & {
  /** Echoes on exactly these, over TCP and UDP. */
  listen(addresses: readonly string[], ports: readonly number[]): Promise<void>
  /**
   * Asks all at once. `ok WHO:PORT to ADDRESS` (who answered and whom it saw), `refused`, `no answer`, or `error CODE`.
   * @param silentMs nothing more is waited for once nothing at all has moved for so long.
   */
  probe(cells: readonly Question[], silentMs: number): Promise<readonly string[]>
  resume(names: readonly string[], silentMs: number): Promise<readonly string[]>
  /** Closes what probes left open at the servers here, and held sessions as well where told so. */
  forget(what: { readonly sessions: boolean }): Promise<void>
  run(argv: readonly string[], input?: string): Promise<Ended>
}

const RUN_MS = 60_000
const ANSWER_MS = 90_000

/** @param name how its servers call themselves in their answers */
export function startAgent(namespace: string, name: string, lockFile: string): Agent {
  const program = fileURLToPath(new URL('./agent.mjs', import.meta.url))
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, program, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // One lock for a whole machine would make its namespaces wait for each other.
    env: { ...process.env, XTABLES_LOCKFILE: lockFile, LC_ALL: 'C', NODE_OPTIONS: '' },
  })
  const exited = once(child, 'exit')
  const waiting = new Map<number, { done: (answer: unknown) => void; failed: (error: Error) => void }>()
  let last = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, answer, failed } = JSON.parse(line) as { id: number; answer?: unknown; failed?: string }
    const asked = waiting.get(id)
    waiting.delete(id)
    if (failed === undefined) asked?.done(answer)
    else asked?.failed(new Error(`${name}: ${failed}`))
  })
  child.once('exit', (code) => {
    for (const { failed } of waiting.values()) failed(new Error(`the agent of ${namespace} ended with ${code}`))
  })
  const ask = async (op: string, detail: object): Promise<unknown> =>
    await new Promise((done, failed) => {
      last += 1
      const late = setTimeout(
        () => failed(new Error(`${name} has not answered within ${ANSWER_MS} ms: ${op}`)),
        ANSWER_MS,
      )
      waiting.set(last, {
        done(answer) {
          clearTimeout(late)
          done(answer)
        },
        failed(error) {
          clearTimeout(late)
          failed(error)
        },
      })
      child.stdin.write(`${JSON.stringify({ id: last, op, ...detail })}\n`)
    })
  return {
    async listen(addresses, ports) {
      await ask('listen', { addresses, ports })
    },
    async probe(cells, silentMs) {
      return (await ask('probe', { cells, silentMs })) as readonly string[]
    },
    async resume(names, silentMs) {
      return (await ask('resume', { names, silentMs })) as readonly string[]
    },
    async forget(what) {
      await ask('forget', what)
    },
    async run(argv, input) {
      return (await ask('run', { argv, input, ms: RUN_MS })) as Ended
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
    },
  }
}
