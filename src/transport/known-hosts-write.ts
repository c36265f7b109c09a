import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { SshWay } from '../model/host.ts'
import { homePath } from './fresh-file.ts'
import { findKnownKeys, hashedName, judgeHostKey, type KeyVerdict, keyType, knownName } from './known-hosts.ts'

/** Where a host's keys are looked for and written down: into the first of its files. */
export type KeyPlace = Pick<SshWay, 'address' | 'port' | 'hostKeyAlias' | 'hashKnownHosts' | 'knownHostsFiles'>

/** `known`: it is in the file now, from us or from somebody else. */
export type WrittenDown =
  | KeyVerdict
  /** Why it could not be written, in words that follow the file's name. */
  | { readonly verdict: 'unwritten'; readonly file: string; readonly why: string }

/**
 * Writes a key of a host down, unless its files know it by then, or know another one of its type, or a revoked one. What
 * many ask for at once is written in one go; several ctfleets take turns by a lock beside the file.
 */
export async function writeDownKey(place: KeyPlace, key: Buffer): Promise<WrittenDown> {
  const file = homePath(place.knownHostsFiles[0] ?? '/dev/null')
  return await new Promise((resolve) => {
    const waiting = queues.get(file)
    const asked = { place, key, resolve }
    if (waiting !== undefined) return void waiting.push(asked)
    queues.set(file, [asked])
    void writeAll(file)
  })
}

type Asked = { readonly place: KeyPlace; readonly key: Buffer; readonly resolve: (written: WrittenDown) => void }

/** Who waits for each file; those who come while it is written make the next round. */
const queues = new Map<string, Asked[]>()

async function writeAll(file: string): Promise<void> {
  for (;;) {
    const round = queues.get(file)?.splice(0) ?? []
    if (round.length === 0) break
    const answers = await writeRound(file, round).catch((error: unknown) =>
      round.map((): WrittenDown => ({ verdict: 'unwritten', file, why: wordsOf(error) })),
    )
    for (const [at, { resolve }] of round.entries()) resolve(answers[at] as WrittenDown)
  }
  queues.delete(file)
}

async function writeRound(file: string, round: readonly Asked[]): Promise<readonly WrittenDown[]> {
  if (file === '/dev/null') return round.map(() => ({ verdict: 'unwritten', file, why: 'keeps nothing' }))
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const path = await realpath(file).catch(() => file)
  const release = await lock(`${path}.ctfleet-lock`)
  try {
    const lines: string[] = []
    const taken = new Map<string, Buffer>()
    const answers: WrittenDown[] = []
    for (const { place, key } of round) {
      const verdict = judgeHostKey(await findKnownKeys(place.knownHostsFiles, place), key)
      const name = knownName(place)
      const before = taken.get(`${name} ${keyType(key)}`)
      if (verdict.verdict === 'unknown' && before === undefined) {
        taken.set(`${name} ${keyType(key)}`, key)
        const shown = place.hashKnownHosts === true ? hashedName(name) : name
        lines.push(`${shown} ${keyType(key)} ${key.toString('base64')}\n`)
        answers.push({ verdict: 'known' })
      } else if (verdict.verdict === 'unknown' && before !== undefined && !before.equals(key)) {
        const entry = { mark: 'trusted', type: keyType(key), key: before.toString('base64'), origin: file } as const
        answers.push({ verdict: 'changed', entry })
      } else answers.push(verdict.verdict === 'unknown' ? { verdict: 'known' } : verdict)
    }
    if (lines.length > 0) await append(path, lines.join(''))
    return answers
  } finally {
    await release()
  }
}

/** In one write at the end, so that whoever appends at the same time, ssh among them, loses nothing. */
async function append(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
  try {
    const whole = (await endsInLine(file)) ? text : `\n${text}`
    const bytes = Buffer.from(whole)
    const { bytesWritten } = await file.write(bytes)
    if (bytesWritten < bytes.length) throw new Error('is full: only a part of the keys could be written')
    await file.sync()
  } finally {
    await file.close()
  }
}

async function endsInLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return true
  const last = Buffer.alloc(1)
  await file.read(last, 0, 1, size - 1)
  return last.toString() === '\n'
}

/** Milliseconds: for another ctfleet to be done, and after which a lock that nobody holds any more is broken. */
const PATIENCE = 15_000
const STALE = 30_000

async function lock(path: string): Promise<() => Promise<void>> {
  const mine = `${process.pid} ${hostname()} ${randomBytes(6).toString('hex')}\n`
  const deadline = performance.now() + PATIENCE
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600)
      const release = async () => await unlink(path).catch(() => {})
      try {
        await file.writeFile(mine).finally(async () => await file.close())
      } catch (error) {
        // A disk that is full took the name and not the words.
        await release()
        throw error
      }
      return release
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    await breakStale(path)
    if (performance.now() > deadline) {
      throw new Error(
        `is being written by another ctfleet for ${PATIENCE / 1000} s already; if there is none: rm ${path}`,
      )
    }
    await pause(10 + Math.random() * 40)
  }
}

/** Of one that died, or that is too old for anybody to be at it. */
async function breakStale(path: string): Promise<void> {
  try {
    const [said, { mtimeMs, ino }] = [await readFile(path, 'utf8'), await stat(path)]
    const [pid, machine] = said.split(' ')
    // The number of one that died may be another's by now: nobody is at it for so long.
    const isDead = machine === hostname() && !isAlive(Number(pid))
    if (!isDead && Date.now() - mtimeMs < STALE) return
    const aside = `${path}.${process.pid}`
    await rename(path, aside)
    // Somebody else broke it in between, and this is the new one: the worst that two at once can do is a line twice.
    if ((await stat(aside)).ino !== ino) await rename(aside, path)
    else await unlink(aside)
  } catch {
    // It is gone, or somebody else breaks it.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const why: Readonly<Record<string, string>> = {
    EACCES: 'may not be written by this user',
    EPERM: 'may not be written by this user',
    EROFS: 'is on a file system that is read-only',
    ENOSPC: 'is on a disk that is full',
    EISDIR: 'is a directory',
  }
  return (code === undefined ? undefined : why[code]) ?? message ?? String(error)
}
