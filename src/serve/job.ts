/** What a timer or cron is to run, again and again. */
export type Job = {
  readonly name: string
  /** A program and its words, paths absolute. */
  readonly command: readonly [program: string, ...words: string[]]
  /** The directory that it was made in: an inventory may name files by where they are from there. */
  readonly directory: string
  readonly home: string
  readonly state: string
  /** More directories that it writes: keys of new hosts. */
  readonly writes: readonly string[]
  /** Seconds. */
  readonly jitter: number
  readonly catchUp: boolean
  /** Some host is this machine itself, and is looked at as any other: then it cannot be shut off from it. */
  readonly looksHere: boolean
  /** It runs as a service of this user's own, which may do less to shut itself off. */
  readonly isUsers: boolean
}

/** By it `list` and `remove` know what is ours. */
export function markOf(name: string): string {
  return `# Written by: ctfleet schedule install --name ${name}. Taken away by: ctfleet schedule remove ${name}`
}

/** What no file of systemd's or cron's can hold, and why not. */
export function unsayable({ command, directory, home, state, writes }: Job): Unsayable | null {
  const odd = [...command, directory, home, state, ...writes].find((text) => /[\x00-\x1f\x7f]/.test(text))
  if (odd !== undefined) return { text: odd, why: 'holds a control character, which no timer can be told' }
  // systemd reads a working directory without quotes: that would go on in the next line, or lose its end.
  if (/[\\ ]$/.test(directory))
    return { text: directory, why: 'ends with a backslash or a blank, and systemd cannot be told of such a directory' }
  return null
}

export type Unsayable = { readonly text: string; readonly why: string }
