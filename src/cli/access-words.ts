/** How passwords are had, as it was typed: none of these is one itself, since arguments can be seen by everybody. */
export type AccessWords = {
  readonly askPass?: boolean | undefined
  readonly passFrom?: string | undefined
  readonly askBecomePass?: boolean | undefined
  readonly becomePassFrom?: string | undefined
  readonly passphraseFrom?: string | undefined
  readonly vaultPasswordFile?: readonly string[] | undefined
  readonly askVaultPass?: boolean | undefined
  /** Keys of hosts that no file knows are taken. */
  readonly acceptNew?: boolean | undefined
  /** Files of known hosts are yet to be written, and may be missing. */
  readonly writesKeys?: true | undefined
  /** Read in place of the user's ssh_config and the system's. */
  readonly sshConfig?: string | undefined
  /** Who logs in where the inventory names nobody. */
  readonly user?: string | undefined
  /** Root is had by sudo where the inventory does not say how. */
  readonly become?: boolean | undefined
}

/** The same words again, for a command that is to be typed. */
export function accessAgain(words: AccessWords): readonly string[] {
  const flag = (name: string, given: boolean | undefined) => (given === true ? [name] : [])
  const option = (name: string, given: string | undefined) => (given === undefined ? [] : [name, given])
  return [
    ...option('--user', words.user),
    ...flag('--become', words.become),
    ...option('--ssh-config', words.sshConfig),
    ...(words.vaultPasswordFile ?? []).flatMap((file) => ['--vault-password-file', file]),
    ...flag('--ask-vault-pass', words.askVaultPass),
    ...flag('--ask-pass', words.askPass),
    ...option('--pass-from', words.passFrom),
    ...flag('--ask-become-pass', words.askBecomePass),
    ...option('--become-pass-from', words.becomePassFrom),
    ...option('--passphrase-from', words.passphraseFrom),
  ]
}
