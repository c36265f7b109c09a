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
  readonly climb: Climb
}

/** How a script comes to run as whom it shall. */
export type Climb = {
  /** `login`: as who logged in; `none`: as root, who has to be the one who logged in. */
  readonly by: 'login' | Host['become']
  /** Who one becomes; absent: root. */
  readonly user?: string
  /** A password is there for whoever asks on the way: so nothing is sent before it is asked for. */
  readonly password: boolean
  /** It takes a terminal (a pty), on which stdout and stderr come as one, and nothing ends. */
  readonly terminal: boolean
}

/** The last thing our lines told: where on its way the script is. */
export type Stage = (typeof STAGES)[number]

const STAGES = ['shell', 'sudo', 'doas', 'su', 'none', 'stty', 'send', 'ready', 'mismatch'] as const

/** A host may put anything behind our nonce: a shell that echoes our command does. */
export function isStage(word: string): word is Stage {
  return STAGES.some((stage) => stage === word)
}

/** After the nonce: sudo's prompt for a password, which no newline ends. */
export const PROMPT = ' prompt:'
/** After the nonce, on a terminal: what the script wrote to stderr stands between these two, and one dot after it. */
export const STDERR_FOLLOWS = ' stderr\n'
export const STDERR_ENDED = ' end\n'
/** Bytes of stderr that come from a terminal, at most. */
export const MOST_STDERR_ON_TERMINAL = 65_664

// Login shells see these texts inside single quotes, csh and fish among them: so no quote, backslash, exclamation mark
// or newline in them, and each under 1024 characters, which is the longest word of the old csh.

const GROUND = [
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin; LC_ALL=C; export PATH LC_ALL;',
  'unset CDPATH GREP_OPTIONS; umask 022; cd /;',
].join(' ')

/**
 * Runs what comes on stdin, if it is what was sent: `$2` nonce, `$3` how root is had (`login`: not wanted), `$4` bytes,
 * `$5` POSIX checksum, `$6` SHA-256 for hosts without cksum, `$7` SSH_CONNECTION, which sudo would drop.
 * The script stands in a variable, not in a file: nothing is left behind, and no limit on arguments counts.
 */
function runner([before, after]: Become, read: string): string {
  return [
    GROUND,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
    'ssh_connection=${7-${SSH_CONNECTION-}}; echo "$2 shell";',
    'case $3 in login) ;; *) case $(id -u) in 0) ;; *) echo "$2 $3"; echo "$2 $3" >&2; case $3 in',
    `none) exit 126 ;; *) exec ${before} "$1" ${after} - "$2" none "$4" "$5" "$6" "$ssh_connection" ;;`,
    'esac ;; esac ;; esac; echo "$2 send";',
    // The dot keeps the newlines at the script's end, which $() would take away.
    `script=$(${read}; echo .); script=\${script%.};`,
    'case $(printf %s "$script" | { cksum || sha256sum; } 2>/dev/null) in "$5 $4"* | "$6 "*)',
    'exec </dev/null; echo "$2 ready"; echo "$2 ready" >&2; eval "unset script;$script" ;;',
    '*) echo "$2 mismatch"; exit 126 ;; esac',
  ].join(' ')
}

/**
 * The same on a terminal, around the runner, which is `$7` here (SSH_CONNECTION is `$8`). A terminal has no end of file
 * and no stderr: so the bytes are counted, and what the script wrote to stderr is kept and told after it, with its code
 * in a line of ours somewhere in between. Echo is off before anything could be typed, and all else before the payload.
 */
function terminalRunner([before, after]: Become): string {
  return [
    GROUND,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
    'ssh_connection=${8-${SSH_CONNECTION-}}; stty -echo -opost || { echo "$2 stty"; exit 126; }; echo "$2 shell";',
    'case $(id -u) in 0) ;; *) echo "$2 $3"; case $3 in',
    `none) exit 126 ;; *) exec ${before} "$1" ${after} - "$2" none "$4" "$5" "$6" "$7" "$ssh_connection" ;;`,
    'esac ;; esac; stty raw -echo || exit; exec 3>&1 2>/dev/null;',
    // In brackets of its own, or dash's word of how it was killed would be among what it said.
    'said=$({ { (exec /bin/sh -c "$7" ctfleet - "$2" login "$4" "$5" "$6" "$ssh_connection" 2>&1 >&3 3>&- 4>&-);',
    `echo "$2 $?" >&4; } | { head -c ${MOST_STDERR_ON_TERMINAL}; cat >/dev/null; }; } 4>&1; echo .);`,
    // Who answers this has heard all of it: at the end of a terminal's last process, what it still holds may be lost.
    'echo "$2 stderr"; printf %s "$said"; echo "$2 end"; head -c 1 >/dev/null',
  ].join(' ')
}

const LAUNCH = 'eval "$1"'

/**
 * @throws on a NUL character in the script or its arguments, which no shell can hold, and on the name of a user that
 * is none.
 */
export function prepareErrand(script: Script, { arguments: given }: Pick<RunHow, 'arguments'>, climb: Climb): Errand {
  if (script.text.includes('\0')) throw new TypeError('a script cannot hold a NUL character')
  const parameters = (given ?? []).map((value) => ` ${quote(value)}`).join('')
  const payload = Buffer.from(`set --${parameters}\n${script.text}`)
  const nonce = randomBytes(12).toString('hex')
  const sum = createHash('sha256').update(payload).digest('hex')
  const words = [nonce, climb.by, String(payload.length), String(cksum(payload)), sum]
  const become = becoming(climb)
  const [first, ...more] = climb.terminal
    ? [terminalRunner(become), runner(['', ''], 'head -c "$4"')]
    : [runner(become, 'cat')]
  return {
    nonce,
    argv: ['-c', LAUNCH, 'ctfleet', first as string, ...words, ...more],
    command: [`exec /bin/sh -c '${LAUNCH}' ctfleet '${first}'`, ...words, ...more.map((text) => `'${text}'`)].join(' '),
    payload,
    climb,
  }
}

/** What stands before the text for the shell at the top, and after it. */
type Become = readonly [before: string, after: string]

function becoming({ by, user = 'root', password, terminal }: Climb): Become {
  if (!isUserName(user)) throw new TypeError(`no name of a user: ${JSON.stringify(user)}`)
  const shell = `-u ${user} -- /bin/sh -c`
  switch (by) {
    case 'login':
    case 'none':
      return ['', '']
    case 'sudo':
      if (!password) return [`sudo -n ${shell}`, 'ctfleet']
      // On a terminal sudo asks there; else it reads from stdin, byte by byte, so that what follows is left for us.
      return [`sudo ${terminal ? '' : '-S '}-p "$2${PROMPT}" ${shell}`, 'ctfleet']
    case 'doas':
      return [`doas ${password ? '' : '-n '}${shell}`, 'ctfleet']
    case 'su':
      // By its path: a busybox as sh may take its own su instead, which has not the right to.
      return ['/bin/su -s /bin/sh -c', `-- ${user} ctfleet`]
  }
}

/** Whether it can stand in a command without being taken for anything else. */
export function isUserName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/.test(name)
}
