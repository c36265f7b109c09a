import { closeSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'

type Terminals = { readonly [name in 'stdin' | 'stdout' | 'stderr']: { readonly isTTY?: boolean } }

/**
 * Before the process ends. At its end Node puts the terminals that it began with back as they were, and aborts where one of them is
 * gone (ResetStdio in its src/node.cc), whatever the exit code was to be: those are let go of. Whatever comes of that, we end.
 */
export function letGoOfGoneTerminals({ stdin, stdout, stderr }: Terminals = process, system = SYSTEM): void {
  for (const [fd, stream] of [stdin, stdout, stderr].entries()) {
    if (stream.isTTY !== true || system.isatty(fd)) continue
    attempt(() => system.closeSync(fd))
    // The lowest number that is free.
    attempt(() => system.openSync('/dev/null', 'r+'))
  }
}

const SYSTEM = { isatty, closeSync, openSync }

function attempt(what: () => void): void {
  try {
    what()
  } catch {
    // A number that is closed is as good to Node.
  }
}
