import type { SshWay } from '../model/host.ts'
import { needsOpenssh } from './identities.ts'

/** Ways that ssh2 could not go in this process, and why: they are not tried with it again. */
const beyond = new Map<string, string>()

/** Why the system's ssh has to log in there, as far as that is known beforehand; null: nothing speaks against ssh2. */
export async function whyBeyondSsh2(way: SshWay, jumps: readonly SshWay[]): Promise<string | null> {
  return beyond.get(keyOf(way, jumps)) ?? (await needsOpenssh(way))
}

/** Remembers what was found out by trying. */
export function markBeyondSsh2(way: SshWay, jumps: readonly SshWay[], why: string): void {
  beyond.set(keyOf(way, jumps), why)
}

function keyOf({ address, port, user }: SshWay, jumps: readonly SshWay[]): string {
  return JSON.stringify([user, address, port, jumps])
}
