import { connect } from 'node:net'

const TALK_MS = 4000

/** Whether a fresh connection is served: what is sent comes back (or anything does) within 4 s. */
export async function isServed(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const end = (served: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(served)
    }
    const timer = setTimeout(() => end(false), TALK_MS)
    socket.once('connect', () => socket.write('hello\n'))
    socket.once('data', () => end(true))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}

/** Opens connections one after the other, many times a second, until told to stop; bounded in number and time. */
export function floodPort(
  port: number,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): {
  stop(): Promise<void>
} {
  let left = perSecond * seconds
  const underWay = new Set<Promise<boolean>>()
  const timer = setInterval(() => {
    left -= 1
    if (left <= 0) clearInterval(timer)
    const one = isServed(port)
    underWay.add(one)
    void one.finally(() => underWay.delete(one))
  }, 1000 / perSecond)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
    },
  }
}
