import { execFile } from 'node:child_process'

/** The system's ssh, as far as it matters. */
export type OpensshProgram = { readonly version: string; readonly tellsKey: boolean }

/** KnownHostsCommand, https://www.openssh.com/txt/release-8.5; proxy mode of the control socket, release-7.4. */
const TELLS_KEY = 8.5
const SHARES = 7.4

let asked: Promise<OpensshProgram | { readonly cannot: string }> | undefined

/** What `ssh` in PATH is; asked once a process. */
export async function opensshProgram(): Promise<OpensshProgram | { readonly cannot: string }> {
  asked ??= ask()
  return await asked
}

async function ask(): Promise<OpensshProgram | { readonly cannot: string }> {
  const { error, stderr } = await new Promise<{ error: Error | null; stderr: string }>((resolve) => {
    execFile('ssh', ['-V'], { timeout: 10_000, encoding: 'utf8' }, (error, _stdout, stderr) =>
      resolve({ error, stderr }),
    )
  })
  const isMissing = error !== null && 'code' in error && error.code === 'ENOENT'
  return isMissing ? { cannot: 'there is no ssh in PATH here' } : programSaying(stderr)
}

/** @param words what `ssh -V` says: `OpenSSH_9.2p1 Debian-2, OpenSSL …`. */
export function programSaying(words: string): OpensshProgram | { readonly cannot: string } {
  const [, version, number] = /OpenSSH_(?:for_Windows_)?((\d+\.\d+)[^\s,]*)/.exec(words) ?? []
  if (version === undefined) return { cannot: "the ssh in PATH here is not OpenSSH's" }
  // 10.0 is a later one than 9.9, and no minor number has had two digits.
  if (Number(number) < SHARES) return { cannot: `the ssh in PATH here is OpenSSH ${version}; 7.4 or later is needed` }
  return { version, tellsKey: Number(number) >= TELLS_KEY }
}
