// One namespace's end of the mill, kept running so that a whole matrix of probes costs no process each: questions come as
// JSON lines on stdin, answers go out as JSON lines on stdout, told apart by their `id`. Ends when stdin does.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect, createServer, isIPv6 } from 'node:net'
import { argv, exit, stdin, stdout } from 'node:process'
import { createInterface } from 'node:readline'

const [, , name] = argv
/** What listens, by `protocol address port`. */
const listening = new Map()
/** Connections that others hold to our servers, and those of them that are sessions which outlive a matrix. */
const served = new Set()
const sessions = new Set()
/** Sessions of ours that outlive a matrix, by name. */
const held = new Map()

const ANSWERS = { listen, probe, resume, forget, run }

createInterface({ input: stdin })
  .on('line', async (line) => {
    const { id, op, ...rest } = JSON.parse(line)
    try {
      say({ id, answer: await ANSWERS[op](rest) })
    } catch (error) {
      say({ id, failed: String(error?.stack ?? error) })
    }
  })
  .on('close', () => exit(0))

function say(message) {
  stdout.write(`${JSON.stringify(message)}\n`)
}

/** Listens on exactly these, over TCP and UDP. */
async function listen({ addresses, ports }) {
  const wanted = new Set(
    addresses.flatMap((address) => ports.flatMap((port) => [`tcp ${address} ${port}`, `udp ${address} ${port}`])),
  )
  const gone = [...listening].filter(([key]) => !wanted.has(key))
  for (const [key] of gone) listening.delete(key)
  // Not waited for: a server is not closed before its last connection is, and the port is free at once.
  for (const [, server] of gone) server.close()
  await Promise.all(
    [...wanted]
      .filter((key) => !listening.has(key))
      .map(async (key) => {
        const [protocol, address, port] = key.split(' ')
        listening.set(key, await (protocol === 'tcp' ? serveTcp : serveUdp)(address, Number(port)))
      }),
  )
}

function serveTcp(address, port) {
  return new Promise((done, failed) => {
    const server = createServer({ noDelay: true }, (socket) => {
      served.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          served.delete(socket)
          sessions.delete(socket)
        })
      socket.on('data', (data) => {
        // A session outlives the matrix that began it.
        if (data.includes('H')) sessions.add(socket)
        socket.write(`${whoFor(port, socket.remoteAddress)}\n`)
      })
    })
    server
      .once('error', failed)
      .listen({ host: address, port, backlog: 511, ipv6Only: isIPv6(address) }, () => done(server))
  })
}

function serveUdp(address, port) {
  return new Promise((done, failed) => {
    const socket = udpSocket(address)
    socket.once('error', failed).bind({ address, port, exclusive: true }, () => {
      socket.off('error', failed).on('error', () => {})
      // What a rule keeps from leaving says EPERM here, and nothing to the client.
      socket.on('message', (_, from) => socket.send(whoFor(port, from.address), from.port, from.address, () => {}))
      done(socket)
    })
  })
}

/** Several may share a source port: once connected, each hears only its own peer. */
function udpSocket(address) {
  return createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', reuseAddr: true })
}

/** Who answered, and whom it saw: translations show in both. */
function whoFor(port, client) {
  return `${name}:${port} to ${client}`
}

/**
 * All cells at once; `ok …`, `refused` or `no answer` for each. Silence is meant, not time since the start: as long as
 * anything of the matrix still moves, a slow machine is no dropped packet.
 */
function probe({ cells, silentMs }) {
  return new Promise((done) => {
    const results = cells.map(() => null)
    const closers = []
    let left = cells.length
    let moves = 0
    let quiet
    const stir = () => {
      moves += 1
      clearTimeout(quiet)
      quiet = setTimeout(doubt, silentMs)
    }
    // After a long sleep timers come before sockets: let those have their say first.
    const doubt = () => {
      const seen = moves
      quiet = setTimeout(() => (seen === moves ? finish() : stir()), 20)
    }
    const finish = () => {
      clearTimeout(quiet)
      for (const [at, result] of results.entries()) if (result === null) closers[at]?.()
      done(results.map((result) => result ?? 'no answer'))
    }
    for (const [at, cell] of cells.entries()) {
      const end = (result) => {
        if (results[at] !== null) return
        results[at] = result
        left -= 1
        if (left === 0) finish()
        else stir()
      }
      closers[at] = (cell.protocol === 'tcp' ? askTcp : askUdp)(cell, { stir, end })
    }
    if (left > 0) stir()
    else finish()
  })
}

function askTcp({ to, port, source, hold }, { stir, end }) {
  const socket = connect({ host: to, port, localAddress: source?.address, localPort: source?.port, noDelay: true })
  const close = () => {
    // A reset leaves no TIME_WAIT behind, so that the next matrix may come from the same port.
    if (socket.connecting) socket.destroy()
    else socket.resetAndDestroy()
  }
  const word = hold === undefined ? 'P' : 'H'
  let rounds = 0
  let who = ''
  socket.on('connect', () => {
    stir()
    socket.write(word)
  })
  socket.on('data', (data) => {
    stir()
    rounds += 1
    who = String(data).trim()
    if (rounds === 1) socket.write(word)
    if (rounds !== 2) return
    if (hold === undefined) close()
    else held.set(hold, socket)
    end(`ok ${who}`)
  })
  socket.on('error', (error) => {
    end(endingOf(error))
    close()
  })
  socket.on('close', () => end('refused'))
  return close
}

function askUdp({ to, port, source }, { stir, end }) {
  const socket = udpSocket(to)
  let open = true
  let rounds = 0
  const close = () => {
    if (open) socket.close()
    open = false
  }
  const send = () => socket.send('P', (error) => (error === null || error === undefined ? stir() : fail(error)))
  const fail = (error) => {
    const ending = endingOf(error)
    if (ending === 'no answer') return
    close()
    end(ending)
  }
  socket.on('error', fail)
  socket.on('message', (data) => {
    stir()
    rounds += 1
    if (rounds === 1) return send()
    close()
    end(`ok ${data}`)
  })
  socket.bind({ address: source?.address, port: source?.port ?? 0, exclusive: true }, () =>
    socket.connect(port, to, (error) => (error ? fail(error) : send())),
  )
  return close
}

/** EPERM: dropped on its way out, which a client takes for a packet that was lost. */
function endingOf(error) {
  switch (error.code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'EPIPE':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EACCES':
    case 'ENOPROTOOPT':
    case 'EPROTO':
      return 'refused'
    case 'EPERM':
    case 'ETIMEDOUT':
      return 'no answer'
    default:
      return `error ${error.code}`
  }
}

/** One more round trip on each session. */
async function resume({ names, silentMs }) {
  return await Promise.all(names.map((each) => resumed(each, silentMs)))
}

function resumed(each, silentMs) {
  const socket = held.get(each)
  if (socket === undefined || socket.destroyed) return 'gone'
  return new Promise((done) => {
    const end = (result) => {
      clearTimeout(timer)
      socket.off('data', onData).off('close', onClose)
      done(result)
    }
    const onData = (data) => end(`ok ${String(data).trim()}`)
    const onClose = () => end('refused')
    const timer = setTimeout(() => setTimeout(() => end('no answer'), 20), silentMs)
    socket.on('data', onData).on('close', onClose)
    socket.write('H')
  })
}

/** Drops what the last matrix left open at our servers; sessions too where told so. */
function forget({ sessions: sessionsToo }) {
  for (const socket of served) if (sessionsToo || !sessions.has(socket)) socket.resetAndDestroy()
  if (!sessionsToo) return
  for (const socket of held.values()) socket.resetAndDestroy()
  held.clear()
}

/** Runs a program in this namespace to its end. */
function run({ argv: [file, ...args], input, ms }) {
  return new Promise((done) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: ms, killSignal: 'SIGKILL' })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (chunk) => {
        said[stream] += chunk
      })
    }
    child.on('error', (error) => done({ code: 127, stdout: '', stderr: String(error.message) }))
    child.on('close', (code, signal) =>
      done({ code: code ?? 128, stdout: said.stdout, stderr: signal ? `${said.stderr}${signal}` : said.stderr }),
    )
    child.stdin.on('error', () => {}).end(input ?? '')
  })
}
