// Hosts that are none: `node crowd.mjs JOB.json` serves SSH for every address of 127/8, on one port for each kind of host, and
// prints the ports. It answers the script that reads facts with what a host answered once, as quickly as it can.
// JOB: hostKey, otherKey (private keys), answer (the text, `recorded` in place of the nonce), slowMs.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import ssh2 from 'ssh2'

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const ports = {
  good: await serve(sshServer(job.hostKey, 0)),
  slow: await serve(sshServer(job.hostKey, job.slowMs)),
  lying: await serve(sshServer(job.otherKey, 0)),
  silent: await serve(createServer((socket) => socket.on('error', () => {}))),
  hangingUp: await serve(createServer((socket) => socket.on('error', () => {}).destroy())),
}
process.stdout.write(`${JSON.stringify(ports)}\n`)
// Whoever started us has gone.
process.stdin.resume().on('end', () => process.exit())

async function serve(server) {
  server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 })
  await once(server, 'listening')
  return server.address().port
}

function sshServer(key, waitMs) {
  return new ssh2.Server({ hostKeys: [key] }, (client) => {
    client.on('error', () => {})
    client.on('authentication', (context) =>
      context.method === 'publickey' ? context.accept() : context.reject(['publickey']),
    )
    client.on('ready', () =>
      client.on('session', (accept) =>
        accept().on('exec', (acceptExec, _, { command }) => setTimeout(() => answer(acceptExec(), command), waitMs)),
      ),
    )
  })
}

/** The lines by which the bootstrap tells where it is, then the facts under the nonce that the script was given. */
function answer(channel, command) {
  const nonce = /\b[0-9a-f]{24}\b/.exec(command)?.[0] ?? ''
  let script = ''
  channel.on('data', (chunk) => {
    script += chunk
  })
  channel.on('error', () => {})
  channel.on('end', () => {
    const asked = /^set -- (\w+)/.exec(script)?.[1] ?? ''
    channel.stderr.write(`${nonce} ready\n`)
    channel.write(`${nonce} shell\n${nonce} ready\n${job.answer.replaceAll(/^recorded /gm, `${asked} `)}`)
    channel.exit(0)
    channel.end()
  })
}
