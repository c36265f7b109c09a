import type { Host, HostSecrets } from '../model/host.ts'

/**
 * What this process was told that may be written nowhere: no plan, no record, no argument of a program holds it. It is
 * filled before the first connection, and only transports read it.
 */
export type Keyring = {
  /** For all hosts that have none of their own. */
  holdForAll(secrets: HostSecrets): void
  holdFor(host: string, secrets: HostSecrets): void
  /** Whether there is one of its own, which goes before those for all. */
  holdsFor(host: Pick<Host, 'name'>): boolean
  holdPassphrase(keyFile: string, passphrase: string): void
  loginPassword(host: Pick<Host, 'name'>): string | undefined
  /** The password of who becomes root; where none was told, the one that logged in. */
  becomePassword(host: Pick<Host, 'name'>): string | undefined
  passphrase(keyFile: string): string | undefined
  /** Forgets everything. */
  empty(): void
}

export const keyring: Keyring = newKeyring()

export function newKeyring(): Keyring {
  let forAll: HostSecrets = {}
  const own = new Map<string, HostSecrets>()
  const passphrases = new Map<string, string>()
  const loginPassword = ({ name }: Pick<Host, 'name'>) => own.get(name)?.login ?? forAll.login
  return {
    holdForAll(secrets) {
      forAll = { ...forAll, ...secrets }
    },
    holdFor(host, secrets) {
      own.set(host, { ...own.get(host), ...secrets })
    },
    holdsFor: ({ name }) => own.has(name),
    holdPassphrase(keyFile, passphrase) {
      passphrases.set(keyFile, passphrase)
    },
    loginPassword,
    becomePassword: (host) => own.get(host.name)?.become ?? forAll.become ?? loginPassword(host),
    passphrase: (keyFile) => passphrases.get(keyFile),
    empty() {
      forAll = {}
      own.clear()
      passphrases.clear()
    },
  }
}
