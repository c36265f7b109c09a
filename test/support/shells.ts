import { existsSync } from 'node:fs'

/** The shells that our text must run in, where this machine has them. */
export const SHELLS = [
  { name: 'dash', argv: ['/bin/dash'] },
  { name: 'bash', argv: ['/bin/bash', '--posix'] },
  { name: 'busybox', argv: ['/bin/busybox', 'sh'] },
].map((shell) => ({ ...shell, missing: !existsSync(shell.argv[0] ?? '') }))
