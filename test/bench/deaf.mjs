// A port that is listened on by somebody who never accepts: once its queue is full (two connections do), the kernel drops
// whoever asks, as a host drops them that is down. Prints the port, and stands still for ten minutes at most.
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { createServer } from 'node:net'

const server = createServer().listen({ port: 0, host: '0.0.0.0', backlog: 1 })
await once(server, 'listening')
writeSync(1, `${server.address().port}\n`)
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600_000)
process.exit()
