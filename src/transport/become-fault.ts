import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { type Climb, isUserName } from './bootstrap.ts'
import type { Stopped } from './running.ts'

type Means = { readonly host: Host; readonly password: string | undefined; readonly hasTerminals: boolean }

/** What makes it useless to try at all; null where nothing does. */
export function whyNoClimb({ by, user, password: needed, terminal }: Climb, means: Means): Fault | null {
  const { host, password = '', hasTerminals } = means
  if (user !== undefined && !isUserName(user)) {
    return noPrivilege(
      `${JSON.stringify(user)}, whom one should become there, is no name of a user`,
      'Set ansible_become_user to the name of a user with all rights, or leave it out: it is root then',
    )
  }
  // On a terminal they would be orders to it: end of file, interrupt.
  const unspeakable = terminal ? /\p{Cc}/u : /[\0\n\r]/
  if (needed && unspeakable.test(password)) {
    return noPrivilege(
      `the password for ${by} holds a control character, which cannot be typed at its prompt`,
      'Give it without: look at what the file or command prints that it is read from',
    )
  }
  if (terminal && !hasTerminals) {
    return noPrivilege(
      `${by} wants a terminal here, which ctfleet has only over SSH`,
      host.transport === 'local'
        ? 'Run ctfleet itself as root (sudo ctfleet …), or use sudo without requiretty'
        : 'Log in as root (ansible_user: root), or use sudo without requiretty',
    )
  }
  return null
}

/** Why the shell over there ended without having begun the script. */
export function whyNotRun({ stage, code, words, asked }: Stopped, climb: Climb, host: Host): Fault {
  const { user } = host
  const it = words === '' ? 'it said nothing' : `it said ${JSON.stringify(words)}`
  switch (stage) {
    case undefined:
      return {
        code: 'no-shell',
        message: `logging in did not start /bin/sh: ${it} and ended with code ${code}`,
        next: `Give ${user} a login shell that runs commands (chsh), and look for a ForceCommand in sshd_config or authorized_keys`,
      }
    case 'none':
      if (climb.by !== 'none') {
        return noPrivilege(
          `root is needed, and ${climb.by} makes ${user} ${climb.user ?? 'root'}, who is not root there`,
          'Leave out ansible_become_user, or set it to a user whose number (id -u) is 0',
        )
      }
      return noPrivilege(
        `root is needed, ${user} is not root, and no way to become root is set for this host`,
        'Set ansible_become: true for this host (sudo), or log in as root (ansible_user: root)',
      )
    case 'sudo':
    case 'doas':
    case 'su':
      return whyNotBecome(
        { stage, code, words, asked },
        { it, user, target: climb.user ?? 'root', password: climb.password },
      )
    case 'stty':
      return noPrivilege(
        `${climb.by} wants a terminal, and stty, which makes one fit for scripts, did not: ${it}`,
        'On the host: install stty (coreutils), or log in as root (ansible_user: root)',
      )
    case 'mismatch':
      return {
        code: 'no-shell',
        message: 'the script did not arrive as it was sent, so nothing was run',
        next: 'On the host: see that cat works, and cksum or sha256sum',
      }
    case 'shell':
    case 'send':
    case 'ready':
      return {
        code: 'no-shell',
        message: `the shell ended with code ${code} before the script began: ${it}`,
        next: 'On the host: see that /bin/sh is a POSIX shell, and that cat, id and cksum or sha256sum are there',
      }
  }
}

type Tried = { readonly it: string; readonly user: string; readonly target: string; readonly password: boolean }

function whyNotBecome(
  { stage: by, code, words, asked }: Stopped & { readonly stage: 'sudo' | 'doas' | 'su' },
  { it, user, target, password }: Tried,
): Fault {
  const whose = by === 'su' ? target : user
  switch (asked) {
    case 'not-taken':
      return noPrivilege(
        `the password of ${whose} was not accepted by ${by}, and is not tried here again`,
        'Run it again with the right one: --ask-become-pass (-K), or --become-pass-from',
      )
    case 'not-tried':
      return noPrivilege(
        `${by} asks for the password of ${whose}, which was not told: ${words}`,
        'Try it on one host first: ctfleet facts --limit HOST --ask-become-pass',
      )
    case 'not-answered':
      return noPrivilege(
        `${by} was told the password of ${whose} and does not say whether it takes it`,
        'Log in by hand and see what it waits for (a directory service, a second factor), or log in as root',
      )
    case 'not-known':
      return noPrivilege(
        `${by} asks for the password of ${whose}, and none is known`,
        'Give it: --ask-become-pass (-K), or --become-pass-from',
      )
    case 'something-else':
      return noPrivilege(`${by} asks something that is not answered: ${it}`, ODD_QUESTION[by])
    case 'told':
      return noPrivilege(
        `${by} took the password and did not let ${user} become ${target}: ${it}`,
        allow(by, user, target),
      )
    case 'nothing':
      // The shell's own codes for a program that is not there or that it may not run.
      if (code === 126 || code === 127) {
        return noPrivilege(
          `${by} is not there or may not be run, and ${user} is not root: ${it}`,
          `Install ${by} on the host, or log in as root (ansible_user: root)`,
        )
      }
      if (password) return noPrivilege(`${by} did not let ${user} become ${target}: ${it}`, allow(by, user, target))
      return noPrivilege(
        `${by} did not let ${user} become ${target} without a password: ${it}`,
        `Give the password: --ask-become-pass (-K); or ${allow(by, user, target).replace(/^O/, 'o')}`,
      )
  }
}

const ODD_QUESTION = {
  sudo: 'If it is the password: on the host, visudo -f /etc/sudoers.d/ctfleet, and add "Defaults passprompt_override"; else log in as root',
  doas: 'Let it ask for nothing but the password, or log in as root (ansible_user: root)',
  su: 'Let it ask for nothing but the password, or log in as root (ansible_user: root)',
} as const

function allow(by: 'sudo' | 'doas' | 'su', user: string, target: string): string {
  switch (by) {
    case 'sudo':
      return `On the host: visudo -f /etc/sudoers.d/ctfleet, and add "${user} ALL=(${target}) NOPASSWD: ALL"; or log in as root`
    case 'doas':
      return `On the host: add "permit nopass ${user} as ${target}" to /etc/doas.conf; or log in as root`
    case 'su':
      return `On the host: see what su wants of ${user} (id ${user}; /etc/pam.d/su); or log in as root`
  }
}

function noPrivilege(message: string, next: string): Fault {
  return { code: 'no-privilege', message, next }
}
