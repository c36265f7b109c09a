import { connect } from 'node:net'
import { env } from 'node:process'
import type { SshWay } from '../model/host.ts'
import { homePath } from './fresh-file.ts'
import { BaseAgent, createAgent, type ParsedKey } from './ssh2.ts'

/** A key as the agent names it; `type` may be one that ssh2 does not know: a certificate, or a key in hardware. */
export type AgentKey = { readonly type: string; readonly blob: Buffer }

/** The socket of the agent that is asked on this way; null: none. */
export function agentSocket({ identityAgent }: Pick<SshWay, 'identityAgent'>): string | null {
  if (identityAgent === undefined || identityAgent === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || null
  if (identityAgent === 'none') return null
  if (identityAgent.startsWith('$')) return env[identityAgent.slice(1).replace(/^\{(.*)\}$/, '$1')] || null
  return homePath(identityAgent)
}

/** The keys that the agent holds; none where there is no agent, or it does not answer in time (milliseconds). */
export async function agentKeys(socket: string | null, patience = PATIENCE): Promise<readonly AgentKey[]> {
  if (socket === null) return []
  const now = performance.now()
  const before = asked.get(socket)
  if (before !== undefined && now - before.at < FRESH) return await before.keys
  const keys = ask(socket, patience, () => {
    // One that hangs would cost every host as much again.
    asked.set(socket, { at: performance.now() + HUNG, keys: Promise.resolve([]) })
  })
  asked.set(socket, { at: now, keys })
  return await keys
}

/** A thousand hosts at a time need not ask it a thousand times. Milliseconds. */
const FRESH = 1000
const HUNG = 60_000
const PATIENCE = 5000
/** Bytes: what OpenSSH's own agent says at most. */
const MOST = 256 * 1024
const asked = new Map<string, { readonly at: number; readonly keys: Promise<readonly AgentKey[]> }>()

/** https://www.rfc-editor.org/rfc/rfc9987 (SSH agent protocol): SSH_AGENTC_REQUEST_IDENTITIES and its answer. */
const REQUEST_IDENTITIES = 11
const IDENTITIES_ANSWER = 12

async function ask(path: string, patience: number, onHung: () => void): Promise<readonly AgentKey[]> {
  return await new Promise((resolve) => {
    const socket = connect(path)
    let answer = Buffer.alloc(0)
    const end = (keys: readonly AgentKey[]) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(keys)
    }
    const timer = setTimeout(() => {
      onHung()
      end([])
    }, patience)
    socket.on('error', () => end([]))
    socket.on('close', () => end([]))
    socket.on('data', (bytes) => {
      answer = Buffer.concat([answer, bytes])
      const length = answer.length < 4 ? null : answer.readUInt32BE()
      if (length !== null && length > MOST) end([])
      else if (length !== null && answer.length >= 4 + length) end(keysIn(answer.subarray(4, 4 + length)))
    })
    socket.write(Buffer.from([0, 0, 0, 1, REQUEST_IDENTITIES]))
  })
}

function keysIn(message: Buffer): readonly AgentKey[] {
  if (message[0] !== IDENTITIES_ANSWER || message.length < 5) return []
  const keys: AgentKey[] = []
  const strings = stringsIn(message.subarray(5))
  for (let at = 0; at + 1 < strings.length; at += 2) {
    const blob = strings[at] as Buffer
    keys.push({ blob, type: keyTypeOf(blob) })
  }
  return keys
}

/** The kind of key in an SSH key blob: its first string. */
export function keyTypeOf(blob: Buffer): string {
  return stringsIn(blob)[0]?.toString('latin1') ?? ''
}

/** Strings one behind the other, each with its length before it, as far as they are whole. */
export function stringsIn(bytes: Buffer): readonly Buffer[] {
  const strings: Buffer[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) break
    strings.push(bytes.subarray(at + 4, end))
    at = end
  }
  return strings
}

/** An agent of which one key is shown: servers count each try, and we want to know what became of each. */
export class HeldKey extends BaseAgent {
  readonly #socket: string
  readonly #key: ParsedKey
  /** The server took the key, and the agent signed with it. */
  signed = false

  constructor(socket: string, key: ParsedKey) {
    super()
    this.#socket = socket
    this.#key = key
  }

  override getIdentities(callback: Parameters<BaseAgent['getIdentities']>[0]): void {
    callback(null, [this.#key])
  }

  override sign(...args: unknown[]): void {
    const agent = createAgent(this.#socket)
    const sign = agent.sign.bind(agent) as (...args: unknown[]) => void
    const callback = args.pop() as (error: Error | null | undefined, signature?: Buffer) => void
    sign(...args, (error: Error | null | undefined, signature?: Buffer) => {
      this.signed = !error
      callback(error, signature)
    })
  }
}
