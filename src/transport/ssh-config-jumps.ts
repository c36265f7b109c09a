import { quoted } from '../input/complaint.ts'
import { splitWords } from './ssh-config-words.ts'

/** One place to jump through, as it was written: what is absent is for ssh_config to say. */
export type Jump = {
  readonly name: string
  readonly user?: string
  readonly port?: number
  readonly identityFiles?: readonly string[]
  /** `-F`; absent: that of the host itself. */
  readonly configFile?: string
}

/** The value of ProxyJump, nearest first: `user@host:port`, `[::1]:22`, `ssh://user@host:port`; empty for `none`. */
export function readJumps(value: string): { readonly jumps: readonly Jump[] } | { readonly wrong: string } {
  if (value.toLowerCase() === 'none') return { jumps: [] }
  const jumps: Jump[] = []
  for (const part of value.replace(/#.*$/s, '').trimEnd().split(',')) {
    const jump = readJump(part)
    if (jump === null) return { wrong: `${quoted(part)} is no host to jump through` }
    jumps.push(jump)
  }
  return { jumps }
}

/** `ssh -W %h:%p` with a host and nothing that more than a jump would need; null for any other command. */
export function jumpsOfCommand(command: string): readonly Jump[] | null {
  // A shell reads it: what a shell would not take for plain words is left to one.
  const plain = command
    .replaceAll('[%h]', '%h')
    .replace(/\s#.*$/s, '')
    .replace(/^\s*exec\s+/, '')
  if (/[|&;<>()$`\\*?[\]#~!{}\n]/.test(plain)) return null
  const words = splitWords(plain) ?? []
  if (!/^(?:\/[\w./-]*\/)?ssh$/.test(words[0] ?? '')) return null
  const found: { -readonly [K in keyof Jump]?: Jump[K] } & { identityFiles: string[] } = { identityFiles: [] }
  let [before, forwards]: [readonly Jump[], boolean] = [[], false]
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-')) {
      if (found.name !== undefined) return null
      const jump = /[:/]/.test(word) && !word.startsWith('ssh://') ? null : readJump(word)
      if (jump === null) return null
      // What an option says goes before what stands in the name.
      Object.assign(found, { ...jump, ...withoutAbsent({ user: found.user, port: found.port }) })
      continue
    }
    const [, flags = '', flag = '', attached = ''] = /^-([qTaxnN46]*)([WpliFJ]?)(.*)$/s.exec(word) ?? []
    if (flag === '') {
      if (flags === '' || attached !== '' || /[46]/.test(flags)) return null
      continue
    }
    const value = attached === '' ? (words[++at] ?? '') : attached
    if (value === '') return null
    if (flag === 'W') forwards = value === '%h:%p'
    else if (flag === 'p') found.port = portOf(value) ?? -1
    else if (flag === 'l') found.user = value
    else if (flag === 'i') found.identityFiles.push(value)
    else if (flag === 'F') found.configFile = value
    else {
      const read = readJumps(value)
      if ('wrong' in read) return null
      before = read.jumps
    }
  }
  const { name, identityFiles, ...rest } = found
  if (name === undefined || !forwards || rest.port === -1) return null
  // A token would be the target's: such a command is for ssh itself.
  if ([name, rest.user, rest.configFile, ...identityFiles].some((word) => word?.includes('%'))) return null
  return [...before, { name, ...rest, ...(identityFiles.length > 0 ? { identityFiles } : {}) }]
}

/** Null where it is none. Of services only ssh's own is known by name. */
export function portOf(text: string): number | null {
  if (text === 'ssh') return 22
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65535 ? port : null
}

function readJump(text: string): Jump | null {
  const uri = text.startsWith('ssh://')
  const place = uri ? text.slice('ssh://'.length).replace(/\/.*$/s, '') : text
  const at = place.lastIndexOf('@')
  const user = at === -1 ? undefined : place.slice(0, at)
  const [, bracketed, bare, digits] = /^(?:\[([^[\]]+)\]|([^[\]:]+))(?::(\d*|ssh))?$/.exec(place.slice(at + 1)) ?? []
  const name = bracketed ?? bare
  const port = digits === undefined || digits === '' ? undefined : portOf(digits)
  if (name === undefined || /\s/.test(name) || user === '' || port === null) return null
  return { name, ...withoutAbsent({ user: user === undefined || !uri ? user : decoded(user), port }) }
}

/** A user in a URI may be written in percent signs. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replace(/;.*$/s, ''))
  } catch {
    return text
  }
}

function withoutAbsent<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
