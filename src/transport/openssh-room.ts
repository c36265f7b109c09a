import { randomBytes } from 'node:crypto'
import { constants, rmSync } from 'node:fs'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SshWay } from '../model/host.ts'
import { askpassProgram } from './openssh-askpass.ts'
import { type ConfigMeans, opensshConfig, SHOWN_KEYS, SOCKET, TAKEN_KEYS, TELL_KEY } from './openssh-config.ts'

/** A directory of one connection alone, which only this user may enter: all that ssh needs, and its control socket. */
export type Room = {
  readonly directory: string
  readonly config: string
  readonly socket: string
  readonly askpass: string
  /** Stands before the number of each question that is asked. */
  readonly nonce: string
  /** What ssh was shown as host keys, a line each: type, key, and the name under which it looked for them. */
  shownKeys(): Promise<string>
  tidy(): Promise<void>
}

/** @throws TypeError for a way that ssh_config has no words for, and what the file system throws. */
export async function makeRoom(
  way: SshWay,
  means: Omit<ConfigMeans, 'directory' | 'hasTaken'>,
  taken: string | undefined,
): Promise<Room> {
  if (!means.canAnswer) return await roomIn(roomy(tmpdir()), way, { means, taken })
  // ssh runs our askpass there, which a file system mounted with noexec does not let it do.
  const candidates = [roomy(tmpdir()), '/tmp', process.env.XDG_RUNTIME_DIR, '/var/tmp', homedir()]
  const known = candidates.filter((each) => each !== undefined && each !== '' && roomy(each) === each)
  for (const base of new Set(known as readonly string[])) {
    if (barren.has(base)) continue
    const room = await roomIn(base, way, { means, taken }).catch((error: NodeJS.ErrnoException) => error)
    if (!(room instanceof Error)) {
      if (await runsPrograms(room.askpass)) return room
      await room.tidy()
      barren.add(base)
    } else if (!['EACCES', 'ENOENT', 'EROFS', 'EPERM', 'ENOTDIR'].includes(room.code ?? '')) throw room
  }
  const names = [...barren].join(', ')
  throw new Error(
    `it asks for secrets by a program of ours, and ${names} runs none (noexec): set TMPDIR to a directory that does`,
  )
}

/** Where ssh could not run what is written there. */
const barren = new Set<string>()

/** False on a file system that is mounted with noexec: Linux says so to root too. */
async function runsPrograms(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function roomIn(
  base: string,
  way: SshWay,
  { means, taken }: { means: Omit<ConfigMeans, 'directory' | 'hasTaken'>; taken: string | undefined },
): Promise<Room> {
  const directory = await mkdtemp(join(base, 'ctf-'))
  const at = (name: string) => join(directory, name)
  const nonce = randomBytes(12).toString('hex')
  standing.add(directory)
  if (!isWatched) {
    isWatched = true
    process.once('exit', () => standing.forEach(removeAtOnce))
  }
  const tidy = async () => {
    await rm(directory, { recursive: true, force: true })
    standing.delete(directory)
  }
  try {
    await Promise.all([
      writeFile(at('config'), opensshConfig(way, { ...means, directory, hasTaken: taken !== undefined })),
      writeFile(at(TELL_KEY), `echo "$*" >>'${at(SHOWN_KEYS)}'\n`),
      ...(means.canAnswer ? [writeFile(at('askpass'), askpassProgram(nonce), { mode: 0o700 })] : []),
      ...(taken === undefined ? [] : [writeFile(at(TAKEN_KEYS), `${taken}\n`)]),
    ])
  } catch (error) {
    await tidy()
    throw error
  }
  return {
    directory,
    config: at('config'),
    socket: at(SOCKET),
    askpass: at('askpass'),
    nonce,
    shownKeys: async () => await readFile(at(SHOWN_KEYS), 'utf8').catch(() => ''),
    tidy,
  }
}

/** Those of this process, which may be left at a second Ctrl-C without another word. */
const standing = new Set<string>()
let isWatched = false

function removeAtOnce(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch {
    // There is nobody left to tell.
  }
}

/** A control socket's path may have 104 bytes on some systems, and ssh makes it under a name 17 bytes longer. */
function roomy(directory: string): string {
  return Buffer.byteLength(directory) > 60 || directory.includes("'") ? '/tmp' : directory
}
