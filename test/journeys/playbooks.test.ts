import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { putProgram } from '../support/program.ts'
import { canOpenScreen, openScreen, type Screen } from '../support/tmux.ts'

/** Playbooks of one's own on real hosts: written after docs/playbooks.md from nothing, and its example for name servers. */

const able = canRunLab()
let lab: Lab
let dir: string
let env: { readonly [name: string]: string }

beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-playbooks-'))
  lab = await startLab({ hosts: ['web-1', 'web-2', 'open-1'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('whoever follows the page from an empty directory ends with a playbook that works', async (context) => {
  const screens = canOpenScreen()
  if (!screens.ok) return context.skip(screens.why)
  const page = await readFile('docs/playbooks.md', 'utf8')
  const [, path = '', text = ''] = /As `([^`]+)`, in the directory.*?```yaml\n(.*?)```/s.exec(page) ?? []
  const name = /^name: (.*)$/m.exec(text)?.[1] ?? ''
  const host = lab.host('web-1')
  const before = await host.dump()
  await putProgram(dir)
  await using screen = await openScreen({ dir, columns: 80 }, env)
  await screen.type(`cd ${dir}`)

  // A slip first: whoever begins makes one.
  await mkdir(join(dir, 'playbooks'))
  await writeFile(join(dir, path), text.replace('generation', 'generaton'))
  expect(await answer(screen, 'ctfleet playbook check')).toMatch(/did you mean "generation"\?[\s\S]*code 2/)
  await writeFile(join(dir, path), text)
  expect(await answer(screen, 'ctfleet playbook check')).toMatch(/fine \(quick-udp, 2 steps\)[\s\S]*code 0/)
  expect(await answer(screen, 'ctfleet playbook list')).toContain(name)
  expect(await answer(screen, `ctfleet playbook show ${name}`)).toContain('forget silent UDP flows after 17 seconds')
  const planned = await answer(screen, `ctfleet plan --strategy ${name} --limit web-1`)
  expect(planned).toMatch(/\+ net\.netfilter\.nf_conntrack_udp_timeout = 17$/m)
  expect(await host.dump()).toBe(before)

  await screen.clear()
  await screen.type(`ctfleet apply --strategy ${name} --limit web-1; echo code $?`)
  await screen.until(/Go ahead\?/)
  await screen.type('y')
  expect(await screen.until(/code \d/)).toMatch(/web-1 +applied[\s\S]*code 0/)
  expect((await host.exec('cat /proc/sys/net/netfilter/nf_conntrack_udp_timeout')).stdout).toBe('17\n')
  expect(await answer(screen, `ctfleet plan --strategy ${name} --limit web-1 --exit-code`)).toMatch(
    /already-right[\s\S]*code 0/,
  )
  expect(await answer(screen, 'ctfleet rollback last --yes')).toMatch(/web-1 +rolled-back[\s\S]*code 0/)
  expect(await host.dump()).toBe(before)
}, 180_000)

/** The resolver of the example: it asks nobody, and sends back what it is asked. */
const RESOLVER = `for tool in iptables ip6tables; do $tool -A INPUT -p udp -m conntrack --ctstate NEW -m udp --dport 53 -j ACCEPT; done
setsid perl -MIO::Socket::IP -e 'my $s = IO::Socket::IP->new(LocalPort => 53, LocalAddr => "::", V6Only => 0, Proto => "udp") or die $@;
while (1) { my $from = $s->recv(my $asked, 512); $s->send("answer to $asked", 0, $from) }' > /dev/null 2>&1 < /dev/null &
for try in $(seq 100); do ss -Hlun 'sport = :53' | grep -q . && exit 0; sleep 0.1; done; exit 1`

test('DNS goes untracked and is still answered; a second apply changes nothing; rollback leaves it as it was', async () => {
  const server = lab.host('web-2')
  const asker = lab.host('open-1')
  expect((await server.exec(RESOLVER)).code).toBe(0)
  const ask = async () => {
    const words = `my $s = IO::Socket::IP->new(PeerAddr => "${server.address}", PeerPort => 53, Proto => "udp", Timeout => 3);
$s->send("query"); $SIG{ALRM} = sub { exit 1 }; alarm 5; $s->recv(my $said, 512); print $said`
    return (await asker.exec(['perl', '-MIO::Socket::IP', '-e', words])).stdout
  }
  const entries = async () => {
    const { stdout } = await server.exec('conntrack -L -p udp --dport 53 2> /dev/null | wc -l')
    return Number(stdout)
  }
  expect(await ask()).toBe('answer to query')
  expect(await entries()).toBeGreaterThan(0)
  const before = await server.dump()
  const wish = ['--strategy', resolve('docs/examples/dns-untracked.yaml'), '--limit', 'web-2', '--format', 'json']

  // Without the ports it says what to add, and nothing more.
  const unasked = await ctfleet(['plan', ...wish], env)
  expect(unasked.stdout).toContain('add --ports 53/udp')
  const applied = await ctfleet(['apply', ...wish, '--ports', '53/udp', '--yes'], env)
  expect(statusOf(applied), `${applied.stdout}${applied.stderr}`).toBe('applied')
  expect(await ask()).toBe('answer to query')
  expect(await entries()).toBe(0)
  const twice = await ctfleet(['apply', ...wish, '--ports', '53/udp', '--yes'], env)
  expect(statusOf(twice)).toBe('already-right')
  const back = await ctfleet(['rollback', 'last', '--yes', '--format', 'json'], env)
  expect(statusOf(back), back.stderr).toBe('rolled-back')
  expect(await server.dump()).toBe(before)
  expect(await ask()).toBe('answer to query')
  expect(await entries()).toBeGreaterThan(0)
}, 120_000)

function statusOf({ stdout }: Said): string {
  return JSON.parse(stdout).hosts[0].status
}

async function answer(screen: Screen, line: string): Promise<string> {
  await screen.clear()
  await screen.type(`${line}; echo code $?`)
  return await screen.until(/^code \d/m)
}
