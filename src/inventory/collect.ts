import { type Beside, reconcile } from './precedence.ts'
import { readBeside, readSource, type SourceRead } from './sources.ts'
import type { VaultPassword } from './vault.ts'
import { newWritten, type Written } from './written.ts'

/** All that several inventories say, before anything is made of it. */
export type Collected = SourceRead & {
  readonly written: Written
  /** What stands beside each source, in their order. */
  readonly beside: readonly Beside[]
  /** The source that a file was read for. */
  sourceOf(file: string): string
}

/** Reads inventories one after the other, and then what `group_vars/` and `host_vars/` beside them say. Never throws. */
export async function collect(sources: readonly string[], passwords: readonly VaultPassword[]): Promise<Collected> {
  const written = newWritten()
  const reads: SourceRead[] = []
  const origins = new Map<string, string>()
  const keep = (source: string, read: SourceRead) => {
    reads.push(read)
    for (const file of read.files) origins.set(file, origins.get(file) ?? source)
  }
  for (const source of sources) keep(source, await readSource(source, written, passwords))
  reconcile(written)
  const beside: Beside[] = []
  for (const source of sources) {
    const found = readBeside(source, written, passwords)
    beside.push(found.beside)
    keep(source, found.read)
  }
  return {
    written,
    beside,
    files: [...origins.keys()],
    notes: reads.flatMap(({ notes }) => notes),
    complaints: reads.flatMap(({ complaints }) => complaints),
    sourceOf: (file) => origins.get(file) ?? file,
  }
}
