import { closeSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'

/**
 * Before the process ends. At its end Node puts the terminals that it began with back as they were, and aborts where one of them is
 * gone (ResetStdio in its src/node.cc), whatever the exit code was to be: those are let go of.
 */
export function letGoOfGoneTerminals(): void {
  const { stdin, stdout, stderr } = process
  for (const [fd, stream] of [stdin, stdout, stderr].entries()) {
    if (stream.isTTY !== true || isatty(fd)) continue
    closeSync(fd)
    // The lowest number that is free.
    openSync('/dev/null', 'r+')
  }
}
