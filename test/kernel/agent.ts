import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Sends packets in a network namespace, by a small perl program: Node has no raw sockets, and every Debian has perl-base. */
export class Agent {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ports: readonly string[]
  readonly #lines: AsyncIterator<string>
  #complaint = ''

  private constructor(netns: string, ports: readonly string[]) {
    this.#ports = ports
    this.#child = spawn('ip', ['netns', 'exec', netns, 'perl', SCRIPT, ...ports])
    this.#child.stderr.on('data', (bytes: Buffer) => {
      this.#complaint += bytes.toString()
    })
    this.#child.stdin.on('error', () => undefined)
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
  }

  /** Ports are named `packet:IFACE`, `raw4:IFACE` or `raw6:IFACE`. */
  static async start(netns: string, ports: readonly string[]): Promise<Agent> {
    const agent = new Agent(netns, ports)
    await agent.#line()
    return agent
  }

  /** Returns when everything was handed to the kernel. */
  async send(packets: readonly { readonly port: string; readonly bytes: Buffer }[]): Promise<void> {
    const parts = packets.flatMap(({ port, bytes }) => {
      const index = this.#ports.indexOf(port)
      if (index === -1) throw new Error(`no port ${port}`)
      return [head(index, bytes.length), bytes]
    })
    this.#child.stdin.write(Buffer.concat([...parts, head(DONE, 0)]))
    await this.#line()
  }

  /** How many packets the namespace has taken in since it began. */
  async received(): Promise<{ readonly ip: number; readonly ip6: number }> {
    this.#child.stdin.write(head(COUNTERS, 0))
    const [ip, ip6] = (await this.#line()).split(' ').map(Number)
    return { ip: ip ?? 0, ip6: ip6 ?? 0 }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = new Promise((done) => this.#child.once('exit', done))
    this.#child.stdin.end()
    await ended
  }

  async #line(): Promise<string> {
    const next = await this.#lines.next()
    if (next.done === true) throw new Error(`the sending program ended: ${this.#complaint.trim()}`)
    return next.value
  }
}

const SCRIPT = fileURLToPath(new URL('agent.pl', import.meta.url))
const [COUNTERS, DONE] = [254, 255]

function head(port: number, length: number): Buffer {
  const bytes = Buffer.alloc(3)
  bytes[0] = port
  bytes.writeUInt16BE(length, 1)
  return bytes
}
