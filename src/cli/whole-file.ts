import { constants } from 'node:fs'
import { access, lstat, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pid } from 'node:process'
import { plainReason } from '../input/system-error.ts'
import { complainAbout } from './checks.ts'

/**
 * Whole or not at all, since somebody may read it at any time, and on disk. What is no plain file (a pipe, /dev/stdout, a link) is
 * written to as it is.
 * @param mode of a file that is made anew, less the umask; one that is replaced keeps its own, as far as that allows no more.
 */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${pid}.tmp`
  let isOurs = false
  try {
    if (!(await isReplaceable(path))) {
      await writeFile(path, text, { mode })
      return
    }
    const before = await modeOf(path)
    const file = await open(temporary, 'wx', before === null ? mode : mode & before)
    isOurs = true
    try {
      // Else the umask would take from it.
      if (before !== null) await file.chmod(mode & before)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    if (isOurs) await rm(temporary, { force: true })
    throw complainAbout('--output', `${path} cannot be written: ${plainReason(error)}`)
  }
}

/** @throws InputError when nothing could be written there. */
export async function checkWritable(path: string | undefined, option = '--output'): Promise<void> {
  if (path === undefined) return
  if (await isDirectory(path))
    throw complainAbout(option, `${path} cannot be written: it is a directory`, 'name a file in it')
  try {
    if ((await isReplaceable(path)) || !(await isThere(path)))
      await access(dirname(path), constants.W_OK | constants.X_OK)
    else await access(path, constants.W_OK)
  } catch (error) {
    throw complainAbout(
      option,
      `${path} cannot be written: ${plainReason(error)}`,
      'name a file in a directory of yours',
    )
  }
}

async function isReplaceable(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile()
  } catch {
    // It is not there yet.
    return true
  }
}

async function modeOf(path: string): Promise<number | null> {
  try {
    return (await lstat(path)).mode & 0o777
  } catch {
    // It is not there yet.
    return null
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    // A link to what is not there yet.
    return false
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // It is not there yet, or cannot be reached: then the directory that it is in tells.
    return false
  }
}
