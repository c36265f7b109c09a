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
}
