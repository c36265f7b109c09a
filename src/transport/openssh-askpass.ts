import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { pause } from './cancel.ts'

/**
 * How ssh asks us for a secret: it runs this program (SSH_ASKPASS) with the question as its argument. That tells us its number
 * on stderr, waits at a pipe of its own in a directory that only this user may enter, and prints what comes. So a secret
 * stands in no file, no argument and no variable. Whoever only wants to show something is let go; a question that has nothing
 * to do with secrets is answered with no.
 */
export function askpassProgram(nonce: string): string {
  return `#!/bin/sh
case \${SSH_ASKPASS_PROMPT-} in none) exit 0 ;; ?*) exit 1 ;; esac
umask 077
mkfifo "$0.$$" || exit 1
printf %s "$1" >"$0.$$.words" || exit 1
echo "${nonce} $$" >&2
{ read -r say && [ "$say" = tell ] && cat; } <"$0.$$"
`
}

/** A question of ssh's, and the two ways to answer it. */
export type Question = {
  readonly words: string
  tell(secret: string): Promise<void>
  decline(): Promise<void>
}

/** @param number what the program told on stderr. */
export async function questionOf(program: string, number: string): Promise<Question> {
  const pipe = `${program}.${number}`
  const words = await readFile(`${pipe}.words`, 'utf8').catch(() => '')
  return {
    words,
    tell: async (secret) => await write(pipe, `tell\n${secret}\n`),
    decline: async () => await write(pipe, 'no\n'),
  }
}

export type Wanted =
  | { readonly type: 'passphrase'; readonly keyFile: string }
  | { readonly type: 'password' }
  | { readonly type: 'other' }

/**
 * What a question is after. ssh's own words are English everywhere; a server's question for a password need not be. Whether a
 * question has echo ssh does not tell, and a password told to one for a name would stand in the server's log: so only
 * what is called a password is taken for one.
 */
export function wantedBy(words: string): Wanted {
  const [, keyFile] = /^Enter passphrase for (?:\S+ )?'(.+)': ?$/s.exec(words) ?? []
  if (keyFile !== undefined) return { type: 'passphrase', keyFile }
  return PASSWORD.test(words) && !NO_PASSWORD.test(words) ? { type: 'password' } : { type: 'other' }
}

const PASSWORD =
  /passw|kennwort|mot de passe|contraseñ|senha|parol|пароль|hasło|heslo|jelszó|lösenord|salasana|wachtwoord|adgangskode|şifre|密码|密碼|パスワード|암호|비밀번호/iu
const NO_PASSWORD =
  /\?\s*$|\(yes\/no|\b(?:verification|one[- ]?time|otp|oath|token|passcode|duo|pin|passphrase|new password|retype)\b/i

/** The other end is opened by then, or soon; where it never is the pipe's reader is gone. */
const TRIES = 100
const PAUSE_MS = 20

async function write(pipe: string, text: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      // Without O_NONBLOCK one of node's four threads would wait in here.
      await using file = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
      await file.writeFile(text)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENXIO') return
      await pause(PAUSE_MS)
    }
  }
}
