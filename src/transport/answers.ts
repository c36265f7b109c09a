import { connect } from 'node:net'

const TIMEOUT_MS = 3000

/** Whether a TCP connection to the port is accepted from here within 3 s. Nothing is sent. */
export async function answers(address: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: TIMEOUT_MS })
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
