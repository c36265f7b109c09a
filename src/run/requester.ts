import { hostname, userInfo } from 'node:os'

/** Who asks: the login name, also behind sudo, and the machine. */
export function requester(): string {
  return `${process.env.SUDO_USER || loginName()}@${hostname()}`
}

function loginName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run us under a number that no user has.
    return process.env.USER || `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
