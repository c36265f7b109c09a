import { spawn } from 'node:child_process'
import { read } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { readBounded } from '../input/bounded-file.ts'
import { plainReason } from '../input/system-error.ts'
import { endProgram, endWithUs } from '../inventory/end-program.ts'
import { homePath } from '../transport/fresh-file.ts'
import { complainAbout } from './checks.ts'
import { SECRET_SOURCE } from './secret-words.ts'

/** Bytes, and milliseconds for a program that gives a secret: it may ask a person. */
const MOST = 64 * 1024
const PATIENCE = 120_000

/**
 * The first line of what a file holds, of what can be read from a file descriptor (`fd:3`), or of what a command prints
 * (`command:…`, by sh). Each source is read once in a run, whoever else names it.
 * @param option that names it, for complaints
 * @throws InputError where there is none
 */
export async function readSecret(option: string, source: string): Promise<string> {
  const before = known.get(source)
  const reading = before ?? textFrom(option, source)
  known.set(source, reading)
  const [line = ''] = (await reading).split(/\r?\n/)
  if (line === '') throw complainAbout(option, `${source} gives an empty line`, 'its first line has to be the secret')
  return line
}

const known = new Map<string, Promise<string>>()

async function textFrom(option: string, source: string): Promise<string> {
  const [, kind, rest = ''] = /^(fd|command):(.*)$/s.exec(source) ?? []
  if (kind === 'fd') return await fromDescriptor(option, rest)
  if (kind === 'command') {
    return await fromProgram(option, ['/bin/sh', '-c', rest])
  }
  return await fromFile(option, source)
}

async function fromDescriptor(option: string, written: string): Promise<string> {
  const fd = /^\d{1,6}$/.test(written) ? Number(written) : Number.NaN
  if (Number.isNaN(fd)) throw complainAbout(option, `fd:${written} is no number of an open file`, 'as in: fd:3 3< FILE')
  let text = Buffer.alloc(0)
  try {
    // No further than the line, which another may keep open behind it.
    while (text.length < MOST && !text.includes('\n')) {
      const { bytesRead, buffer } = await readFrom(fd, Buffer.alloc(4096), 0, 4096, null).catch(notYet)
      if (bytesRead === null) {
        await pause(20)
        continue
      }
      if (bytesRead === 0) break
      text = Buffer.concat([text, buffer.subarray(0, bytesRead)])
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const message = code === 'EBADF' ? `no file is open as number ${fd}` : `fd:${fd} cannot be read (${code})`
    throw complainAbout(option, message, `open it where ctfleet is run: ${fd}< FILE, or ${fd}< <(COMMAND)`)
  }
  return text.toString('utf8')
}

const readFrom = promisify(read)

/** A pipe that does not wait, as stdin may be one, has nothing yet. */
function notYet(error: NodeJS.ErrnoException): { readonly bytesRead: null; readonly buffer: Buffer } {
  if (error.code !== 'EAGAIN') throw error
  return { bytesRead: null, buffer: Buffer.alloc(0) }
}

async function fromFile(option: string, written: string): Promise<string> {
  const path = homePath(written)
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    const message =
      found.code === 'ENOENT' ? `there is no file ${written}` : `${written} cannot be read: ${plainReason(found)}`
    throw complainAbout(option, message, `name ${SECRET_SOURCE}`)
  }
  if (found.isDirectory()) throw complainAbout(option, `${written} is a directory`, `name ${SECRET_SOURCE}`)
  // As ssh has it for private keys: whoever keeps a password in a file keeps it from others.
  if (found.isFile() && (found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    throw complainAbout(option, `${written} can be read by others (mode ${mode})`, `chmod 600 ${written}`)
  }
  const read = await readBounded(path, MOST)
  if ('cannot' in read) throw complainAbout(option, `${written} ${read.cannot}`, `name ${SECRET_SOURCE}`)
  return read.toString('utf8')
}

/**
 * What a program prints. It may ask at the terminal; what it says to stderr is shown where it fails.
 * @throws InputError where it does not end well
 */
export async function fromProgram(
  option: string,
  [program, ...words]: readonly [string, ...string[]],
): Promise<string> {
  const child = spawn(program, words, { stdio: ['inherit', 'pipe', 'pipe'] })
  endWithUs(child)
  const end = () => {
    endProgram(child)
    // What it started has its output still, and nobody who reads it.
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const out: Buffer[] = []
  let [size, said] = [0, '']
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= MOST) out.push(chunk)
    else end()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-2000)
  })
  const timer = setTimeout(end, PATIENCE)
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be run: ${error.message}`))
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `ended with ${code ?? signal ?? 'nothing'}`))
  })
  clearTimeout(timer)
  if (how === '') return Buffer.concat(out).toString('utf8')
  const command = words[0] === '-c' ? `command:${words.slice(1).join(' ')}` : program
  const told = said.trim() === '' ? '' : `, and said: ${said.trim().split('\n').slice(-5).join(' / ')}`
  const over = size > MOST ? ' after more than 64 KiB' : ''
  throw complainAbout(option, `${command} ${how}${over}${told}`, 'run it by itself to see what is wrong')
}
