import { existsSync } from 'node:fs'

const USUAL = [
  { name: 'dash', argv: ['/bin/dash'] },
  { name: 'bash', argv: ['/bin/bash', '--posix'] },
  { name: 'busybox', argv: ['/bin/busybox', 'sh'] },
]

/** The shells that our text must run in, where this machine has them. */
export const SHELLS = USUAL.map(known)

/** And those that a few hosts have as `/bin/sh`: they differ in what they take for a mistake. */
export const RARE_SHELLS = [
  { name: 'ksh93', argv: ['/bin/ksh93'] },
  { name: 'mksh', argv: ['/bin/mksh'] },
].map(known)

function known(shell: (typeof USUAL)[number]) {
  return { ...shell, missing: !existsSync(shell.argv[0] ?? '') }
}
