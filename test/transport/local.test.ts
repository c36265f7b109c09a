import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sh } from '../../src/shell/script.ts'
import { local } from '../../src/transport/local.ts'
import type { Session } from '../../src/transport/transport.ts'
import { isAlive } from '../support/alive.ts'
import { LOCALHOST } from './hosts.ts'

test('time running out ends the script’s children, and those who do not want to go, too', async () => {
  const session = (await local.open(LOCALHOST, new AbortController().signal)) as Session
  const pids: number[] = []
  const script = sh`trap '' TERM; sleep 61 & echo $!; (trap '' TERM; sleep 62; sleep 62) & echo $!; wait; wait`
  const onLine = (line: string) => void pids.push(Number(line))
  const outcome = await session.run(script, { timeoutMs: 500, as: 'login-user', onLine })
  expect(outcome).toMatchObject({ type: 'timed-out' })
  expect(pids).toHaveLength(2)
  for (let waited = 0; waited < 3000 && pids.some(isAlive); waited += 50) await sleep(50)
  expect(pids.filter(isAlive)).toEqual([])
})
