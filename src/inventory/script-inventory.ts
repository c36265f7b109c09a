import { spawn } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Complaint, InputError, quoted } from '../input/complaint.ts'
import { isJsonMap, type Json } from '../model/json.ts'
import { quote } from '../shell/script.ts'
import { endProgram, endWithUs } from './end-program.ts'
import { isRegularFile } from './paths.ts'
import { readGroupsOfScript } from './script-groups.ts'
import { complaintAt, NOWHERE, type Written } from './written.ts'

/** How long an inventory program may take for all hosts, in ms, and for one host; and what it may say, in bytes. */
const LIST_MS = 120_000
const HOST_MS = 30_000
/** How long its output is waited for once it has ended, in ms. */
const GRACE_MS = 2000
const MOST_OUTPUT = 64 * 1024 * 1024
const MOST_COMPLAINT = 64 * 1024
/** Programs at a time, where each host is asked for. */
const AT_A_TIME = 4

/** Whether Ansible would run it: it may be executed, and begins as a program does. */
export function programKind(path: string): 'program' | 'not-executable' | 'file' {
  if (!isRegularFile(path)) return 'file'
  const start = firstBytes(path)
  const isProgram = start.startsWith('#!') || start === '\x7fELF'
  if (!isProgram) return 'file'
  try {
    accessSync(path, constants.X_OK)
    return 'program'
  } catch {
    return start.startsWith('#!') ? 'not-executable' : 'file'
  }
}

/**
 * Runs an inventory program: `--list`, and `--host NAME` for each host where its answer has no `_meta.hostvars`.
 * Returns what it said on stderr, for people.
 * @throws InputError where it fails, takes longer than two minutes, or says what is no inventory.
 */
export async function readScript(file: string, written: Written): Promise<readonly string[]> {
  const listed = await ask(file, ['--list'], LIST_MS)
  const answer = jsonOf(file, ['--list'], listed.stdout)
  const complaints: Complaint[] = []
  const { hosts, told } = readGroupsOfScript(answer, file, written, (message) =>
    complaints.push(complaintAt(file, NOWHERE, [], message, PROTOCOL)),
  )
  if (complaints.length > 0) throw new InputError(complaints)
  const said = [listed.stderr]
  if (!told) {
    const open = [...hosts]
    const next = async (): Promise<void> => {
      for (let host = open.shift(); host !== undefined; host = open.shift()) {
        const { stdout, stderr } = await ask(file, ['--host', host.name], HOST_MS)
        said.push(stderr)
        const vars = stdout.trim() === '' ? {} : jsonOf(file, ['--host', host.name], stdout)
        if (!isJsonMap(vars)) throw failure(file, `--host ${host.name}`, 'did not say a map of variables', PROTOCOL)
        host.set(vars)
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, next))
  }
  return [...new Set(said.flatMap((text) => text.split('\n')).filter((line) => line.trim() !== ''))]
}

const PROTOCOL =
  'an inventory program prints JSON: {"web": {"hosts": ["web-1"]}, "_meta": {"hostvars": {"web-1": {"ansible_port": 22}}}}'

type Said = { readonly stdout: string; readonly stderr: string }

function ask(file: string, args: readonly string[], timeoutMs: number): Promise<Said> {
  const words = args.join(' ')
  return new Promise((done, fail) => {
    const child = spawn(resolve(file), args, { stdio: ['ignore', 'pipe', 'pipe'] })
    endWithUs(child)
    const out: Buffer[] = []
    let size = 0
    let stderr = ''
    let late = false
    const timer = setTimeout(() => {
      late = true
      stop()
    }, timeoutMs)
    const stop = () => {
      endProgram(child)
      letGo()
    }
    // What it has begun itself may live on and hold the pipes.
    const letGo = () => {
      child.stdout.destroy()
      child.stderr.destroy()
    }
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MOST_OUTPUT) out.push(chunk)
      else stop()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < MOST_COMPLAINT) stderr += chunk.toString('utf8')
    })
    child.on('error', (error) => {
      clearTimeout(timer)
      fail(failure(file, words, `cannot be run: ${error.message}`, null))
    })
    child.on('exit', () => setTimeout(letGo, GRACE_MS).unref())
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const hint = stderr.trim() === '' ? `run it by hand: ${quote(file)} ${words}` : lastLines(stderr)
      if (size > MOST_OUTPUT) fail(failure(file, words, `printed more than ${MOST_OUTPUT / 1024 / 1024} MiB`, hint))
      else if (late) fail(failure(file, words, `was not done after ${timeoutMs / 1000} s`, hint))
      else if (signal !== null) fail(failure(file, words, `was ended by ${signal}`, hint))
      else if (code !== 0) fail(failure(file, words, `ended with code ${code}`, hint))
      else done({ stdout: Buffer.concat(out).toString('utf8'), stderr })
    })
  })
}

function jsonOf(file: string, args: readonly string[], text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw failure(file, args.join(' '), `printed what is no JSON: ${quoted(text.trim().slice(0, 200))}`, PROTOCOL)
  }
}

function failure(file: string, words: string, message: string, hint: string | null): InputError {
  return new InputError([complaintAt(file, NOWHERE, [words], message, hint)])
}

function lastLines(text: string): string {
  return text
    .trim()
    .split('\n')
    .slice(-10)
    .join('\n')
    .replace(/[^\P{C}\n]/gu, '')
}

function firstBytes(path: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      const start = Buffer.alloc(4)
      return start.subarray(0, readSync(file, start)).toString('latin1')
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
