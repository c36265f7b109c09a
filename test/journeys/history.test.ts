import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** What ctfleet remembers of two hosts, from one audit to the next. */

const able = canRunLab()

let dir: string
let lab: Lab
let state: string
let env: { readonly [name: string]: string }
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'web-2'] })
  state = join(dir, 'state')
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: state }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

describe('audits, one after the other', () => {
  let first: string

  test('the first one says that there is none to compare with, and all it finds is new', async () => {
    const said = await ctfleet(['audit', '--since-last', '--format', 'json', '--fail-on', 'info'], env)
    expect(said.stderr).toContain('No audit of these hosts with this policy is on record to compare with')
    const { since, counts } = JSON.parse(said.stdout)
    expect(since.audit).toBeNull()
    expect(since.new).toHaveLength(counts.critical + counts.warning + counts.info)
    expect(said.code).toBe(since.new.length === 0 ? 0 : 4)
    first = (await audits())[0].id
  })

  test('the next one has nothing to tell, says which it was compared with, and ends with 0', async () => {
    const said = await ctfleet(['audit', '--since-last', '--fail-on', 'info'], env)
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing changed') })
    expect(said.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      new RegExp(`^Since audit ${first} of .* by .*: nothing changed`),
    )
    expect(said.stdout).not.toContain('clean')
  })

  test('a table that filled since is told, and nothing else; and when it is empty again, that it is gone', async () => {
    await lab.host('web-1').fill({ percent: 96 })
    const full = await ctfleet(['audit', '--since-last', '--format', 'json'], env)
    expect(full.code).toBe(4)
    const { since, hosts } = JSON.parse(full.stdout)
    expect(since.audit.id).toBe((await audits())[1].id)
    expect(hosts.map(({ host }: { host: string }) => host)).toEqual(['web-1'])
    expect(rules(since.new)).toContain('near-full')
    // It holds entries for days, which is worse where there is no room.
    expect(rules([...since.new, ...since.worse])).toContain('long-timeouts')

    const metrics = await ctfleet(['audit', '--since-last', '--format', 'prometheus'], env)
    expect(metrics.stdout).toMatch(/^ctfleet_audit_host_findings\{host="web-1",severity="critical"\} [1-9]/m)
    expect(metrics.code).toBe(0)
    await lab.host('web-1').drain()
    // Nobody saw this one, so that the next one tells the same.
    const unseen = await ctfleet(['audit', '--since-last', '--format', 'html', '-o', '/dev/full'], env)
    expect(unseen).toMatchObject({ code: 2, stderr: expect.stringContaining('/dev/full cannot be written') })
    expect(unseen.stdout).toMatch(/gone +near-full: web-1/)
    expect(unseen.stderr).toContain('not kept: the next --since-last is compared with the one before')
    const said = await ctfleet(['audit', '--since-last'], env)
    expect(said.code).toBe(0)
    expect(said.stdout).toMatch(/gone +near-full: web-1/)
  })

  test('another policy, or fewer hosts, is another series', async () => {
    const policy = join(dir, 'policy.yaml')
    await writeFile(policy, 'rules: { long-timeouts: off }\n')
    for (const words of [
      ['--limit', 'web-2'],
      ['--policy', policy],
    ]) {
      const said = await ctfleet(['audit', '--since-last', ...words], env)
      expect(said.stderr).toContain('No audit of these hosts with this policy')
      expect((await ctfleet(['audit', '--since-last', ...words], env)).stderr).not.toContain('No audit of these')
    }
  })

  test('an audit on record is shown by the beginning of its id, and as the last one', async () => {
    const said = await ctfleet(['show', first], env)
    expect(said.code).toBe(0)
    expect(said.stdout).toMatch(new RegExp(`^Audit ${first}, `))
    expect((await ctfleet(['show', 'last'], env)).stdout).toMatch(/^Audit \S+, /)
    expect((await ctfleet(['show', '--audit', 'last', 'web-9'], env)).stderr).toContain('has no host of this name')
    const document = JSON.parse((await ctfleet(['show', first, '--format', 'json'], env)).stdout)
    expect(document).toMatchObject({ id: first, counts: { hosts: 2 }, due: null })
  })
})

describe('loss since the last audit', () => {
  test('is told with the time it happened in, though a plan looked in between', async () => {
    const host = lab.host('web-1')
    await host.fill({ percent: 100 })
    await host.exec(['bash', '-c', FLOOD], { timeoutSeconds: 60 })
    await host.drain()
    await ctfleet(['plan'], env)
    const said = await ctfleet(['audit', '--format', 'json'], env)
    const found = findingsOf(said.stdout, 'web-1').find(({ rule }) => rule === 'dropped-since')
    expect(found?.title).toMatch(
      /^[\d\u202f]+ packets? dropped since it was last looked at, \d+ (s|min|min \d+ s) ago, /,
    )
    expect(found?.evidence[0]).toMatch(/^drop: 0 at .* UTC, [\d\u202f]+ now$/)
    expect(findingsOf(said.stdout, 'web-2').map(({ rule }) => rule)).not.toContain('dropped-since')
    // Once told it is the past.
    const again = await ctfleet(['audit', '--format', 'json'], env)
    expect(findingsOf(again.stdout, 'web-1').map(({ rule }) => rule)).not.toContain('dropped-since')
  })

  test('cannot be told of a host that was restarted, and is not said to be none', async () => {
    await lab.host('web-2').reboot()
    const said = await ctfleet(['audit', '--limit', 'web-2', '--format', 'json'], env)
    const found = findingsOf(said.stdout, 'web-2').find(({ rule }) => rule === 'dropped-since')
    expect(found).toMatchObject({ severity: 'info', title: expect.stringMatching(/^cannot tell how many packets/) })
  })
})

describe('the trend', () => {
  test('holds what audit, plan and facts read, a host a line, and says what a forecast needs', async () => {
    const before = await readings('web-1')
    await ctfleet(['facts'], env)
    await ctfleet(['explain', '--limit', 'web-1'], env)
    expect(await readings('web-1')).toBe(before + 2)
    const { stdout, code } = await ctfleet(['trend'], env)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^web-1 +[▁-█·]{24} +now /m)
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'needed: 5 whole days, or 12 readings within 6 h that span an hour',
    )
  })

  test('one host: where its series splits, and what was dropped', async () => {
    const { stdout } = await ctfleet(['trend', 'web-2'], env)
    expect(stdout).toMatch(/^ {2}split +restarted before/m)
    expect((await ctfleet(['trend', 'web-1'], env)).stdout).toMatch(/^ {2}dropped +[\d\u202f]+ dropped in/m)
    const wrong = await ctfleet(['trend', 'wbe-1'], env)
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "web-1"?') })
  })
})

describe('a record that fails spoils no audit', () => {
  test('one that is damaged is set aside and said so, and the audit is kept in a new one', async () => {
    const place = join(dir, 'damaged')
    await ctfleet(['audit'], { ...env, CTFLEET_STATE: place })
    await writeFile(join(place, 'ctfleet.db'), 'garbage'.repeat(2000))
    const said = await ctfleet(['audit'], { ...env, CTFLEET_STATE: place })
    expect(said.stdout).toMatch(/^2 hosts: /)
    expect(said.stderr).toMatch(/was damaged .*; it was set aside as/)
    expect((await readdir(place)).some((name) => name.includes('.damaged-'))).toBe(true)
    expect(
      JSON.parse((await ctfleet(['runs', '--audits', '--format', 'json'], { ...env, CTFLEET_STATE: place })).stdout)
        .audits,
    ).toHaveLength(1)
  })

  test('where nothing can be written that is said, and the audit is shown', async () => {
    const place = join(dir, 'a-file')
    await writeFile(place, '')
    await chmod(place, 0o400)
    const said = await ctfleet(['audit', '--fail-on', 'critical'], { ...env, CTFLEET_STATE: join(place, 'below') })
    expect(said.stdout).toMatch(/^2 hosts: /)
    expect(said.stderr).toContain('This audit was not kept: ')
    expect(said.code).toBe(0)
  })
})

type Finding = {
  readonly rule: string
  readonly title: string
  readonly severity: string
  readonly evidence: readonly string[]
}

async function audits(): Promise<readonly [{ readonly id: string }, { readonly id: string }]> {
  return JSON.parse((await ctfleet(['runs', '--audits', '--format', 'json'], env)).stdout).audits
}

async function readings(host: string): Promise<number> {
  const { hosts } = JSON.parse((await ctfleet(['trend', host, '--format', 'json'], env)).stdout)
  return hosts[0].readings
}

function findingsOf(json: string, host: string): readonly Finding[] {
  const { hosts } = JSON.parse(json) as {
    readonly hosts: readonly { readonly host: string; readonly findings: readonly Finding[] }[]
  }
  return hosts.find((each) => each.host === host)?.findings ?? []
}

function rules(changes: readonly { readonly finding: Finding }[]): readonly string[] {
  return changes.map(({ finding }) => finding.rule)
}

/** Packets that each want an entry of their own. */
const FLOOD = 'for port in {20000..20200}; do echo x > /dev/udp/198.18.255.254/$port; done 2> /dev/null; true'
