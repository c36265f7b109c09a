import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Someone who uses a service all the while; `goOn` returns when more went well, and throws at the first that did not. */
export type User = AsyncDisposable & { readonly goOn: () => Promise<void> }

const EVERY_MS = 200
const PATIENCE_MS = 15_000

/** One connection to an echo service, with a word on it every 200 ms; each has to come back, in order. */
export async function talking(host: string, port: number): Promise<User> {
  const socket: Socket = connect({ host, port })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  let said = 0
  let heard = ''
  let broken: string | undefined
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
  })
  socket.on('error', (error) => {
    broken = error.message
  })
  socket.on('close', () => {
    broken ??= 'closed'
  })
  const timer = setInterval(() => {
    if (broken === undefined) socket.write(`${++said}\n`)
  }, EVERY_MS)
  const answers = () => heard.split('\n').length - 1
  return {
    async goOn() {
      const goal = said + 5
      await until(() => broken !== undefined || answers() >= goal)
      const expected = Array.from({ length: answers() }, (_, at) => `${at + 1}\n`).join('')
      if (broken !== undefined || answers() < goal || heard !== expected)
        throw new Error(`the session to ${host} port ${port} broke: ${broken ?? `${answers()} of ${said} answers`}`)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      socket.destroy()
    },
  }
}

/** A fresh connection every 200 ms; each is made, says a word, hears it again and ends. */
export function knocking(host: string, port: number): User {
  let served = 0
  let failed: string | undefined
  const timer = setInterval(() => {
    isServed(host, port).then(
      () => served++,
      (error: Error) => {
        failed ??= error.message
      },
    )
  }, EVERY_MS)
  return {
    async goOn() {
      const goal = served + 5
      await until(() => failed !== undefined || served >= goal)
      if (failed !== undefined || served < goal)
        throw new Error(`new connections to ${host} port ${port}: ${failed ?? `only ${served} of ${goal} were served`}`)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
    },
  }
}

async function isServed(host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port })
    const end = (problem?: string) => {
      clearTimeout(timer)
      socket.destroy()
      if (problem === undefined) resolve()
      else reject(new Error(problem))
    }
    const timer = setTimeout(() => end(`no answer in ${PATIENCE_MS} ms`), PATIENCE_MS)
    socket.once('connect', () => socket.write('hello\n'))
    socket.once('data', (chunk: Buffer) => {
      const said = chunk.toString()
      end(said === 'hello\n' ? undefined : `it said ${said}`)
    })
    socket.once('error', (error) => end(error.message))
    socket.once('close', () => end('closed before it answered'))
  })
}

async function until(done: () => boolean): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !done() && Date.now() < end; ) await sleep(50)
}
