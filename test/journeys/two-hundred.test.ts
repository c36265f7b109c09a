import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

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
  { kind: 'dead', status: 'unreachable', cause: /there is no way to|no answer from/, next: /ip route get|Try again/ },
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
    broken: `${STOP_SSHD}; while :; do printf 'HTTP/1.1 400 no\\r\\n\\r\\n' | busybox nc -l -p 22; done >/dev/null 2>&1 &`,
    status: 'unreachable',
    cause: /the connection broke off|says nothing|fell silent|nothing listens/,
    next: /another program on port|ssh -v/,
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
  const { code, stdout, stderr } = await ctfleet(['plan', '--forks', '30'], env)
  expect(code, stderr).toBe(1)

  const groups = stdout.split('\n\n').slice(1)
  for (const { kind, status, cause, next } of TROUBLES) {
    const [group = '', ...more] = groups.filter((each) => each.includes(`${kind}-1`) || each.includes(`${kind}-2`))
    const text = group.replaceAll(/\n\s+/g, ' ')
    expect(more, kind).toEqual([])
    expect(text).toContain(`${kind}-1, ${kind}-2: ${status}`)
    expect(text).toMatch(cause)
    expect(text).toMatch(new RegExp(`Next: .*(?:${next.source})`))
  }
  expect(groups).toHaveLength(TROUBLES.length + 1)
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/^200 hosts: 4 failed, 16 unreachable, 180 healthy/)

  // Two of thirty places are taken by hosts that say nothing for many seconds; the others go on beside them.
  const lines = stderr.split('\n')
  const before = lines.slice(
    0,
    lines.findIndex((line) => /^\s*silent-\d\s+unreachable/.test(line)),
  )
  expect(before.filter((line) => /^\s*web-\d+\s+healthy/.test(line)).length).toBeGreaterThan(60)
})
