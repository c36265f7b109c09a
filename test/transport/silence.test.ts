import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { afterSilence, heardTime } from '../../src/transport/silence.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo()
})

test('with nothing else to do it is an ordinary timer', async () => {
  // By its own clock, since others may keep the processor from us meanwhile.
  const heardAt = heardTime()
  const heard = await new Promise<number>((resolve) => {
    const other = afterSilence(60_000, () => {})
    afterSilence(200, () => {
      resolve(heardTime() - heardAt)
      other()
    })
  })
  expect(heard).toBeGreaterThan(190)
  expect(heard).toBeLessThan(400)
})

test('time in which we were busy is no silence of the other side', async () => {
  const startedAt = performance.now()
  const heardAt = heardTime()
  const over = new Promise<void>((resolve) => void afterSilence(300, resolve))
  for (let busy = 0; busy < 4; busy++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    blockFor(200)
  }
  await over
  expect(performance.now() - startedAt).toBeGreaterThan(900)
  expect(heardTime() - heardAt).toBeLessThan(performance.now() - startedAt - 500)
})

test('an answer that came while we were busy is read before time is up', async () => {
  // Another thread answers after 100 ms, while this one is busy for 600 and its timer is set to 300.
  const program = `const { createServer } = require('node:net'); const { parentPort } = require('node:worker_threads')
    createServer((socket) => setTimeout(() => socket.write('here'), 100)).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })`
  const worker = new Worker(program, { eval: true })
  cleanup.push(() => worker.terminate())
  const [port] = await once(worker, 'message')
  const socket = connect(port, '127.0.0.1')
  cleanup.push(() => socket.destroy())
  await once(socket, 'connect')
  const first = await new Promise((resolve) => {
    afterSilence(300, () => resolve('time is up'))
    socket.once('data', () => resolve('an answer'))
    setTimeout(() => blockFor(600), 20)
  })
  expect(first).toBe('an answer')
})

test('one that was taken back is never told, and keeps nothing alive', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  let told = false
  const stop = afterSilence(50, () => {
    told = true
  })
  expect(timers()).toBeGreaterThan(before)
  stop()
  stop()
  expect(timers()).toBe(before)
  await new Promise((resolve) => setTimeout(resolve, 120))
  expect(told).toBe(false)
})

function blockFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until) {}
}
