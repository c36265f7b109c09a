import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet, startCtfleet } from '../support/ctfleet.ts'
import { remains } from '../support/trouble.ts'
import { UDP, UDP_PLAYBOOK } from '../support/udp-playbook.ts'

/** The first host of a fleet says yes to its change and is never heard of again, until somebody asks. */

const able = canRunLab()
const OTHERS = ['web-2', 'legacy-1', 'open-1'] as const

let lab: Lab
let dir: string
let env: { readonly CTFLEET_INVENTORY: string; readonly CTFLEET_STATE: string }
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-canary-'))
  await writeFile(join(dir, 'udp.yaml'), UDP_PLAYBOOK)
  lab = await startLab({ hosts: ['web-1', ...OTHERS] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('cut off after its yes the first host stops the run, which says that it does not know; resume finds the change in force', async () => {
  const canary = lab.host('web-1')
  await standsStillAtItsYes(canary)
  const words = ['--strategy', join(dir, 'udp.yaml'), '--yes', '--pause', '0', '--confirm-within', '20s']
  const running = startCtfleet(['apply', ...words, '--format', 'json'], env)
  await said(canary, 'confirmed')
  await canary.cut()
  await canary.exec('touch /run/go; rm /usr/sbin/dd')
  await said(canary, 'committed')

  const { code, stdout, stderr } = await running.ended
  expect(code, stderr).toBe(3)
  const { run, hosts } = JSON.parse(stdout)
  expect(statuses(stdout)).toEqual({ 'web-1': 'needs-hands', ...all(OTHERS, 'not-reached') })
  expect(await timeouts(OTHERS)).toEqual(all(OTHERS, '30'))
  expect(hosts[0].fault).toMatchObject({
    code: 'lost',
    message: expect.stringMatching(/^the host could not be asked how its change ended \((?!cancelled)/),
  })
  expect(stderr).toContain('stopped, no further host begins: web-1 of the first wave failed\n')
  expect(stderr).toContain(`To ask again how those ended that could not be asked: ctfleet resume ${run}\n`)

  const deaf = await ctfleet(['resume', run, '--format', 'json'], env)
  expect([deaf.code, statuses(deaf.stdout)], deaf.stderr).toEqual([1, { 'web-1': 'unreachable' }])
  await canary.mend()
  const resumed = await ctfleet(['resume', run, '--format', 'json'], env)
  expect([resumed.code, statuses(resumed.stdout)], resumed.stderr).toEqual([0, { 'web-1': 'applied' }])
  const shown = await ctfleet(['show', run, '--format', 'json'], env)
  expect(statuses(shown.stdout)).toEqual({ 'web-1': 'applied', ...all(OTHERS, 'not-reached') })
  expect(await timeouts(['web-1'])).toEqual({ 'web-1': '17' })

  const back = await ctfleet(['rollback', run, '--yes'], env)
  expect(back.code, back.stdout + back.stderr).toBe(0)
  expect(await timeouts(['web-1'])).toEqual({ 'web-1': '30' })
  expect(await remains(canary)).toBe('')
}, 600_000)

/** From now on whoever syncs the journal once it holds the confirmation waits there, before anybody hears of it. */
async function standsStillAtItsYes(host: NamespaceHost): Promise<void> {
  await host.exec(`cat > /usr/sbin/dd << 'END'
#!/bin/sh
case $* in *of=/var/lib/ctfleet/*/journal*)
  if grep -q ' confirmed' /var/lib/ctfleet/*/journal; then while [ ! -e /run/go ]; do sleep 0.1; done; fi ;;
esac
exec /usr/bin/dd "$@"
END
chmod 755 /usr/sbin/dd`)
}

async function said(host: NamespaceHost, word: string): Promise<void> {
  const journal = async () => (await host.exec('cat /var/lib/ctfleet/*/journal 2> /dev/null')).stdout
  const isSo = async () => ((await journal()).includes(` ${word}`) ? true : undefined)
  const found = await poll(isSo, { everyMs: 50, timeoutSeconds: 90 })
  if (found !== true) throw new Error(`${host.name} never said ${word}: ${await journal()}`)
}

function all(names: readonly string[], value: string): { readonly [name: string]: string } {
  return Object.fromEntries(names.map((name) => [name, value]))
}

function statuses(stdout: string): object {
  const { hosts } = JSON.parse(stdout) as {
    readonly hosts: readonly { readonly host: string; readonly status: string }[]
  }
  return Object.fromEntries(hosts.map(({ host, status }) => [host, status]))
}

async function timeouts(names: readonly string[]): Promise<object> {
  const read = names.map(async (name) => [name, (await lab.host(name).exec(`cat ${UDP}`)).stdout.trim()] as const)
  return Object.fromEntries(await Promise.all(read))
}
