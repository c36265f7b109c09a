import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { jsonText } from '../report/json/text.ts'
import type { Health } from './health.ts'

export type Address = { readonly host: string; readonly port: number }

/** What is shown, worked out at each request. */
export type Pages = {
  /** Text in the exposition format of Prometheus. */
  readonly metrics: () => Promise<string>
  readonly health: () => Promise<Health>
}

/** Reads nothing that is sent, keeps nothing open for long, and never more than so many at once. */
const MOST_CONNECTIONS = 32
const PATIENCE = 5000
/** Milliseconds between two looks at who is late with it. */
const LOOK = 1000

const METRICS = 'text/plain; version=0.0.4; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * Serves `/metrics` and `/healthz`.
 * @returns the address that it listens at, or why it cannot, in words that follow the address.
 */
export async function listenAt(
  address: Address,
  pages: Pages,
): Promise<{ readonly at: Address; readonly close: () => Promise<void> } | { readonly problem: string }> {
  const options = {
    maxHeaderSize: 8192,
    headersTimeout: PATIENCE,
    requestTimeout: PATIENCE,
    keepAliveTimeout: PATIENCE,
    connectionsCheckingInterval: LOOK,
  }
  const asking = new WeakSet<Socket>()
  const server = createServer(options, (request, response) => {
    asking.add(request.socket)
    response.once('close', () => asking.delete(request.socket))
    void answer(request, response, { pages, isHere: isLoopback(address.host) })
  })
  makeRoom(server, asking)
  server.maxRequestsPerSocket = 100
  server.setTimeout(2 * PATIENCE)
  try {
    const at = await listening(server, address)
    return { at, close: async () => await closed(server) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { problem: PROBLEMS[code] ?? `cannot be listened at (${code})` }
  }
}

const PROBLEMS: { readonly [code: string]: string } = {
  EADDRINUSE: 'is in use by another program, or by another ctfleet serve',
  EADDRNOTAVAIL: 'is no address of this machine',
  EACCES: 'is not for everybody to listen at',
}

export function isLoopback(host: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/.test(host)
}

/** Whoever comes is let in: whoever is there longest without having asked anything has to leave for it. */
function makeRoom(server: Server, asking: WeakSet<Socket>): void {
  const inside = new Set<Socket>()
  server.on('connection', (socket) => {
    inside.add(socket)
    socket.once('close', () => inside.delete(socket))
    if (inside.size <= MOST_CONNECTIONS) return
    const all = [...inside]
    const one = all.find((each) => !asking.has(each) && each !== socket) ?? all[0]
    if (one === undefined) return
    inside.delete(one)
    one.destroy()
  })
}

type Showing = { readonly pages: Pages; readonly isHere: boolean }

async function answer(request: IncomingMessage, response: ServerResponse, { pages, isHere }: Showing): Promise<void> {
  request.resume()
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'only GET and HEAD\n')
    // A page in somebody's browser may ask us under a name of its own that leads here.
    if (isHere && !isLoopback(hostOf(request.headers.host ?? ''))) return say(response, 403, 'ask for localhost\n')
    const path = (request.url ?? '').split('?')[0]
    if (path === '/metrics') return say(response, 200, await pages.metrics(), METRICS)
    if (path === '/healthz') {
      const health = await pages.health()
      return say(response, health.status === 'ok' ? 200 : 503, jsonText(health), JSON_TYPE)
    }
    say(response, 404, 'there are /metrics and /healthz\n')
  } catch {
    // The log says why, and is not for whoever asks.
    say(response, 503, 'the record does not answer\n')
  }
}

function hostOf(header: string): string {
  return header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

function say(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'",
  })
  // node leaves the body out of an answer to HEAD by itself.
  response.end(text)
}

async function listening(server: Server, { host, port }: Address): Promise<Address> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, resolve)
  })
  const { address, port: actual } = server.address() as AddressInfo
  return { host: address, port: actual }
}

async function closed(server: Server): Promise<void> {
  const over = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await over
}
