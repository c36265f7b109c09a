import { createHash, randomBytes } from 'node:crypto'
import type { Host } from '../model/host.ts'
import { quote, type Script } from '../shell/script.ts'
import { cksum } from './checksum.ts'
import type { RunHow } from './transport.ts'

/** One script made ready for the trip: what is executed over there, and what is written to its stdin. */
export type Errand = {
  /** Opens every line of ours on stdout and stderr; before it stands what login files and sudo say. */
  readonly nonce: string
  /** For /bin/sh, when it is started without another shell in between. */
  readonly argv: readonly string[]
  /** The same for a login shell, whichever it is. */
  readonly command: string
  /** Goes to stdin whole, then end of file. */
  readonly payload: Buffer
}

/** The last thing our lines told: where on its way the script is. */
export type Stage = 'shell' | 'sudo' | 'none' | 'ready' | 'mismatch'

/**
 * Runs what comes on stdin, if it is what was sent: `$2` nonce, `$3` how root is had (`login`: not wanted), `$4` bytes,
 * `$5` POSIX checksum, `$6` SHA-256 for hosts without cksum, `$7` SSH_CONNECTION, which sudo would drop.
 * Login shells see this inside single quotes, csh and fish among them: so no quote, backslash, exclamation mark or
 * newline in it, and under 1024 characters, which is the longest word of the old csh.
 * The script stands in a variable, not in a file: nothing is left behind, and no limit on arguments counts.
 */
const TEXT = [
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin; LC_ALL=C; export PATH LC_ALL;',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
  'unset CDPATH GREP_OPTIONS; umask 022; cd /; ssh_connection=${7-${SSH_CONNECTION-}}; echo "$2 shell";',
  'case $3 in login) ;; *) case $(id -u) in 0) ;; *) echo "$2 $3"; echo "$2 $3" >&2; case $3 in',
  'sudo) exec sudo -n -u root -- /bin/sh -c "$1" ctfleet - "$2" none "$4" "$5" "$6" "$ssh_connection" ;;',
  '*) exit 126 ;; esac ;; esac ;; esac;',
  // The dot keeps the newlines at the script's end, which $() would take away.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
  'script=$(cat; echo .); script=${script%.};',
  'case $(printf %s "$script" | { cksum || sha256sum; } 2>/dev/null) in "$5 $4"* | "$6 "*)',
  'exec </dev/null; echo "$2 ready"; echo "$2 ready" >&2; eval "unset script;$script" ;;',
  '*) echo "$2 mismatch"; exit 126 ;; esac',
].join(' ')

const LAUNCH = 'eval "$1"'

/**
 * @param become how root is had where `how.as` asks for it.
 * @throws on a NUL character in the script or its arguments, which no shell can hold.
 */
export function prepareErrand(script: Script, how: Pick<RunHow, 'as' | 'arguments'>, become: Host['become']): Errand {
  if (script.text.includes('\0')) throw new TypeError('a script cannot hold a NUL character')
  const parameters = (how.arguments ?? []).map((value) => ` ${quote(value)}`).join('')
  const payload = Buffer.from(`set --${parameters}\n${script.text}`)
  const nonce = randomBytes(12).toString('hex')
  const sum = createHash('sha256').update(payload).digest('hex')
  const mode = how.as === 'login-user' ? 'login' : become
  const words = [nonce, mode, String(payload.length), String(cksum(payload)), sum]
  return {
    nonce,
    argv: ['-c', LAUNCH, 'ctfleet', TEXT, ...words],
    command: `exec /bin/sh -c '${LAUNCH}' ctfleet '${TEXT}' ${words.join(' ')}`,
    payload,
  }
}
