import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from '../../src/model/plan.ts'

/** The program that leads a transaction, in a process of its own, over SSH. */
export type Controller = {
  readonly transaction: string
  /** How it said that its change ended; undefined when it was killed before it could. */
  readonly ended: Promise<string | undefined>
  kill(): void
}

const PROGRAM = join(import.meta.dirname, '../support/apply-in-child.ts')

/** Begins to apply a plan, and returns once its transaction has a name; throws when it ends before. */
export async function controllerOf(plan: Plan, confirmWithin: number): Promise<Controller> {
  const dir = await mkdtemp(join(tmpdir(), 'ctfleet-crash-'))
  const file = join(dir, 'plan.json')
  await writeFile(file, JSON.stringify(plan))
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, file, String(confirmWithin)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const named = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const name = /^transaction (\S+)$/m.exec(said)?.[1]
      if (name !== undefined) resolve(name)
    })
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const gone = once(child, 'close').then(async () => await rm(dir, { recursive: true }))
  const transaction = await Promise.race([named, gone.then(() => undefined)])
  if (transaction === undefined) throw new Error(`the controller ended before it had begun: ${said}`)
  return {
    transaction,
    ended: gone.then(() => /^ended (\S+)$/m.exec(said)?.[1]),
    kill: () => void child.kill('SIGKILL'),
  }
}
