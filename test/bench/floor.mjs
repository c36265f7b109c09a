// The least that a Node program can do for the same: ssh2 over a socket of ours, one script, one trip.
// `node floor.mjs JOB.json`: hosts [{ name, address, port, user, key }], privateKey, script, arguments, width, giveUpMs. Prints how
// many hosts answered and how much; exits with 1 where one did not.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import ssh2 from 'ssh2'

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const queue = job.hosts.values()
let failed = 0
let bytes = 0

await Promise.all(
  Array.from({ length: job.width }, async () => {
    for (const host of queue) {
      try {
        bytes += await ask(host)
      } catch (error) {
        failed++
        process.stderr.write(`${host.name}: ${error.message}\n`)
      }
    }
  }),
)
process.stdout.write(`${job.hosts.length - failed} of ${job.hosts.length} answered ${bytes} bytes\n`)
process.exitCode = failed > 0 ? 1 : 0

function ask({ address, port, user, key }) {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    let answer = ''
    const socket = connect({ host: address, port, noDelay: true })
    const fail = (error) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(() => fail(new Error('no answer')), job.giveUpMs)
    socket.on('error', fail)
    client.on('error', fail)
    client.on('close', () => {
      clearTimeout(timer)
      if (answer === '') reject(new Error('it said nothing'))
      else resolve(answer.length)
    })
    client.on('ready', () => {
      client.exec(`/bin/sh -s ${job.arguments.join(' ')}`, (error, channel) => {
        if (error) return fail(error)
        channel.on('data', (chunk) => {
          answer += chunk
        })
        channel.stderr.resume()
        channel.on('close', () => client.end())
        channel.end(job.script)
      })
    })
    client.connect({
      sock: socket,
      username: user,
      privateKey: job.privateKey,
      hostVerifier: (shown) => shown.toString('base64') === key,
      algorithms: { serverHostKey: ['ssh-ed25519'] },
      readyTimeout: 0,
    })
  })
}
