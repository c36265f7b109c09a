import { vi } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import { wayText } from '../../src/report/text/checkup.ts'
import { keysText } from '../../src/report/text/keys.ts'
import { doctorHost } from '../../src/run/doctor-host.ts'
import { authFault } from '../../src/transport/auth-fault.ts'
import { ssh } from '../../src/transport/ssh.ts'
import { plain } from '../report/paper.ts'

export const WAY_SAMPLES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/access.md: The way to web-1': async () => {
    const refused = authFault(HOST, OFFERED, { keys: [], words: '' })
    const open = vi.spyOn(ssh, 'open').mockResolvedValue({ refused })
    const checks = await doctorHost(HOST, { signal: new AbortController().signal, onStage: () => undefined })
    open.mockRestore()
    return lines(wayText(plain(100), { host: { name: 'web-1', checks }, why: null }).slice(1))
  },
  'docs/access.md: web-1 (10.0.0.1)': () => {
    const asked = { port: 22, status: 'asked', decision: 'shown', file: null, why: null } as const
    const key = (type: string, fingerprint: string, standing: 'known' | 'new' | 'changed') => ({
      type,
      fingerprint: `SHA256:${fingerprint}`,
      standing,
      origin: standing === 'changed' ? '~/.ssh/known_hosts:7' : null,
    })
    const keys = [
      key('ssh-ed25519', 'uNiVztksCsDhcc0u9e8BrrJXVvY8wnzAjjVGJQ3SEBQ', 'new'),
      key('ecdsa-sha2-nistp256', '1M3hzTQNHnn7Zb2xRc2VtVkXhjKDCjVc1hUXM0IzVKQ', 'known'),
    ]
    const changed = key('ssh-ed25519', 'YBmBpBFWkMmQSXxVnC3SsqBVWvTUcFd9WHg5hKdyPVU', 'changed')
    return lines(
      keysText(plain(130), [
        { host: 'web-1', address: '10.0.0.1', ...asked, keys },
        { host: 'db-1', address: '10.0.0.7', ...asked, keys: [changed] },
      ]),
    )
  },
}

const HOST: Host = {
  name: 'web-1',
  groups: [],
  address: '192.0.2.11',
  port: 22,
  user: 'ops',
  identityFiles: [],
  knownHostsFiles: [],
  become: 'sudo',
  transport: 'ssh',
  vars: {},
  origin: 'inventory.yaml:1:1',
}

const OFFERED: Parameters<typeof authFault>[1] = {
  offered: ['~/.ssh/id_ed25519'],
  accepted: ['publickey', 'password'],
  password: 'none',
  halfway: false,
  over: true,
  question: null,
  stopped: null,
} as never

function lines(text: readonly string[]): string {
  return `${text.join('\n')}\n`
}
