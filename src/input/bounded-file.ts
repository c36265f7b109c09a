import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { plainReason } from './system-error.ts'

type Read = Buffer | { readonly cannot: string }

/**
 * Reads what a person named, be it a pipe or a device that never ends, without waiting for ever or filling the memory.
 * @param most bytes
 * @returns the bytes, or why not, as what is said behind the name of the file: `is a directory`
 */
export async function readBounded(path: string, most: number): Promise<Read> {
  try {
    return await readWithin(path, most)
  } catch (error) {
    return { cannot: `cannot be read: ${plainReason(error)}` }
  }
}

/** The same for whoever has words of its own for what the system has against it. @throws the system's error */
export async function readWithin(path: string, most: number): Promise<Read> {
  // Opening a pipe that nobody writes to would wait for ever, in a thread that then ends with nobody.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const stats = await file.stat()
  if (stats.isDirectory()) return { cannot: 'is a directory' }
  return await readAll(file, most, stats.isFIFO())
}

/** How long somebody may take to begin with writing to a pipe, and between two looks: milliseconds. */
const WRITER_MS = 5000
const TICK_MS = 20
const CHUNK = 1024 * 1024

async function readAll(file: FileHandle, most: number, isPipe: boolean): Promise<Read> {
  const chunks: Buffer[] = []
  let [total, waited] = [0, 0]
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, most + 1))
    const read = await file.read(chunk).then(
      ({ bytesRead }) => bytesRead,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EAGAIN') throw error
        return null
      },
    )
    const nothingYet = read === 0 && isPipe && total === 0
    if (read === 0 && !nothingYet) return Buffer.concat(chunks, total)
    if (read === null || read === 0) {
      if (nothingYet && waited >= WRITER_MS) return { cannot: 'is a pipe that nobody writes to' }
      waited += TICK_MS
      await pause(TICK_MS)
      continue
    }
    total += read
    if (total > most) return { cannot: `is larger than ${sizeText(most)}` }
    chunks.push(chunk.subarray(0, read))
  }
}

function sizeText(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`
}
