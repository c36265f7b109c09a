import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { startCtfleet } from '../support/ctfleet.ts'

/** 200 hosts of which 20 are wrong, two in each of ten ways: nobody waits for them, and each way is told of once. */

type Trouble = {
  /** What kind of host of the lab, and what is broken in it afterwards; `$ME` is its name. */
  readonly kind: string
  readonly broken?: string
  readonly status: 'unreachable' | 'failed'
  readonly cause: RegExp
  readonly next: RegExp
}

const STOP_SSHD = 'kill "$(cat /run/sshd.pid)"'

const TROUBLES: readonly Trouble[] = [
  { kind: 'dead', status: 'unreachable', cause: /there is no way to/, next: /ip route get/ },
  { kind: 'silent', status: 'unreachable', cause: /accepts connections but says nothing/, next: /ssh -v/ },
  { kind: 'changedkey', status: 'unreachable', cause: /another machine answers/, next: /ssh-keygen -lf/ },
  { kind: 'askpass', status: 'failed', cause: /sudo did not let ops become root/, next: /visudo|--ask-become-pass/ },
  {
    kind: 'healthy',
    status: 'unreachable',
    cause: /its host key \S+ \S+ is not known/,
    next: /ctfleet keys|ssh-keyscan/,
  },
  { kind: 'open', broken: STOP_SSHD, status: 'unreachable', cause: /nothing listens on/, next: /whether sshd runs/ },
  {
    kind: 'legacy',
    broken: 'rm /root/.ssh/authorized_keys',
    status: 'unreachable',
    cause: /login as root was refused: offered were/,
    next: /authorized_keys/,
  },
  {
    kind: 'nft',
    broken: "sed -i 's,^\\(root:.*\\):[^:]*$,\\1:/bin/false,' /etc/passwd",
    status: 'failed',
    cause: /logging in did not start \/bin\/sh/,
    next: /login shell that runs commands/,
  },
  // Its name leads nowhere.
  {
    kind: 'both',
    status: 'unreachable',
    cause: /no address was found for|no name server answers/,
    next: /getent hosts/,
  },
  {
    kind: 'native',
    broken: `${STOP_SSHD}; sleep 0.2; busybox nc -ll -p 22 -e sh -c 'printf "HTTP/1.1 400 no\\r\\n\\r\\n"; read -r line' >/dev/null 2>&1 &`,
    status: 'unreachable',
    cause: /the connection broke off/,
    next: /another program on port/,
  },
]

const WRONG = TROUBLES.flatMap(({ kind }) => [`${kind}-1`, `${kind}-2`])
const GOOD = Array.from({ length: 180 }, (_, at) => `web-${at + 1}`)

const able = canRunLab()
let lab: Lab
let dir: string
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-200-'))
  lab = await startLab({ hosts: [...WRONG, ...GOOD] })
  await Promise.all(
    TROUBLES.flatMap(({ kind, broken }) =>
      broken === undefined ? [] : [`${kind}-1`, `${kind}-2`].map(async (name) => await lab.host(name).exec(broken)),
    ),
  )
  const inventory = await readFile(lab.inventoryPath, 'utf8')
  const known = await readFile(join(lab.dir, 'known_hosts'), 'utf8')
  await writeFile(
    join(dir, 'inventory.yaml'),
    inventory
      .replaceAll(join(lab.dir, 'known_hosts'), join(dir, 'known_hosts'))
      .replaceAll(/(both-\d:\n\s+ansible_host: )"[^"]*"/g, '$1"nowhere.invalid"'),
  )
  await writeFile(join(dir, 'known_hosts'), known.replaceAll(/^healthy-\d,.*\n/gm, ''))
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('the 180 others finish, each wrong one is named with cause and next step, and equal causes are one group', async () => {
  const env = { CTFLEET_STATE: join(dir, 'state'), CTFLEET_INVENTORY: join(dir, 'inventory.yaml') }
  const running = startCtfleet(['plan', '--forks', '30'], env)
  await running.until(/^\s*silent-\d\s+unreachable/m)
  const gaveUpAt = Date.now()
  const { code, stdout, stderr } = await running.ended
  expect(code, stderr).toBe(1)

  const groups = stdout.split('\n\n').slice(1)
  for (const { kind, status, cause, next } of TROUBLES) {
    const [group = '', ...more] = groups.filter((each) => each.includes(`${kind}-1`) || each.includes(`${kind}-2`))
    const text = group.replaceAll(/\n\s+/g, ' ')
    expect(more, kind).toEqual([])
    expect(text).toContain(`${kind}-1, ${kind}-2: ${status}`)
    expect(text).toMatch(cause)
    // Ten causes, and not one twice.
    expect(TROUBLES.filter((each) => each.cause.test(text)).map((each) => each.kind)).toEqual([kind])
    expect(text).toMatch(new RegExp(`Next: .*(?:${next.source})`))
  }
  expect(groups).toHaveLength(TROUBLES.length + 1)
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/^200 hosts: 4 failed, 16 unreachable, 180 healthy/)

  // Two of thirty places are taken by hosts that say nothing for many seconds; the others go on beside them.
  const leftAt = await Promise.all(GOOD.map(async (name) => await lastLogAt(lab.host(name))))
  expect(leftAt.filter((at) => at < gaveUpAt).length, stderr).toBeGreaterThan(60)
})

/** When its sshd last had something to say, which is that we were gone. */
async function lastLogAt(host: NamespaceHost): Promise<number> {
  const { mtimeMs } = await stat(`/proc/${await host.pid()}/root/var/log/sshd.log`)
  return mtimeMs
}
