import { createHash } from 'node:crypto'
import { quoted } from '../input/complaint.ts'

/** This machine and the person at it, as ssh_config may speak of them. */
export type ConfigWorld = {
  readonly user: string
  readonly uid: number
  readonly home: string
  readonly hostName: string
  readonly environment: { readonly [name: string]: string | undefined }
}

/** What the tokens of ssh_config(5) stand for, by their letters. */
export type Tokens = { readonly [letter: string]: string }

type Connection = {
  /** What ssh was given, and the host that this leads to. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly hostKeyAlias: string | undefined
  /** The host that is jumped through last; empty: none. */
  readonly jump: string
}

export function tokensOf(at: Connection, { user, uid, home, hostName }: ConfigWorld): Tokens {
  const { name, host, port, jump } = at
  const parts = [hostName, host, `${port}`, at.user, jump]
  return {
    C: createHash('sha1').update(parts.join('')).digest('hex'),
    L: hostName.replace(/\..*$/s, ''),
    d: home,
    h: host,
    i: `${uid}`,
    j: jump,
    k: at.hostKeyAlias ?? name,
    l: hostName,
    n: name,
    p: `${port}`,
    r: at.user,
    u: user,
  }
}

export type Expanded = { readonly text: string } | { readonly wrong: string }

/** @param environment null: `${NAME}` means nothing here, as for HostName. */
export function expandTokens(
  text: string,
  tokens: Tokens,
  environment: ConfigWorld['environment'] | null = null,
): Expanded {
  let wrong: string | undefined
  const expanded = text.replaceAll(/%(.)|%$|\$\{([^}]*)\}/gs, (part, letter?: string, name?: string) => {
    if (name !== undefined) {
      if (environment === null) return part
      const value = environment[name]
      if (value === undefined) wrong ??= `the environment has no ${name}, which ${quoted(text)} asks for`
      return value ?? ''
    }
    if (letter === '%') return '%'
    const value = letter !== undefined && Object.hasOwn(tokens, letter) ? tokens[letter] : undefined
    if (value === undefined) wrong ??= `${quoted(part)} in ${quoted(text)} stands for nothing`
    return value ?? ''
  })
  return wrong === undefined ? { text: expanded } : { wrong }
}

/** `~` and `~/`, of the user who is at it. */
export function withoutTilde(path: string, home: string): string {
  return path.replace(/^~(?=$|\/)/, home)
}
