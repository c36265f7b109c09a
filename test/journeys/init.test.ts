import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { putProgram } from '../support/program.ts'
import { canOpenScreen, openScreen, type Screen } from '../support/tmux.ts'

/** The first minutes of somebody who has hosts and nothing else, in a terminal of 80 columns. */

const able = canRunLab()
const screens = canOpenScreen()
let lab: Lab
let dir: string
let env: { readonly [name: string]: string }

beforeAll(async () => {
  if (!able.ok || !screens.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-init-journey-'))
  lab = await startLab({ hosts: ['web-1', 'sudo-1', 'nft-1'] })
  env = { CTFLEET_STATE: join(dir, 'state'), SSH_AUTH_SOCK: '' }
  await putProgram(dir)
  // What an operator has anyway: the way by ssh, and an inventory of Ansible's.
  const hosts = ['web-1', 'sudo-1', 'nft-1'].map((name) => lab.host(name))
  const ssh = hosts.map(({ name, address }) => `Host ${name}\n  HostName ${address}\n`).join('')
  await writeFile(
    join(dir, 'ssh_config'),
    `${ssh}Host *\n  User root\n  IdentityFile ${lab.dir}/id_ed25519\n  UserKnownHostsFile ${lab.dir}/known_hosts\n`,
  )
  await writeFile(
    join(dir, 'hosts.ini'),
    `[web]
web-1 ansible_host=${lab.host('web-1').address} ansible_user=root
[admin]
sudo-1 ansible_host=${lab.host('sudo-1').address} ansible_user=ops ansible_become=yes ansible_become_password=not-needed-here
[all:vars]
ansible_ssh_private_key_file=${lab.dir}/id_ed25519
ansible_ssh_common_args=-o UserKnownHostsFile=${lab.dir}/known_hosts
`,
  )
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
  if (!screens.ok) context.skip(screens.why)
})

test('from names to a first plan; a second init leaves what is there', async () => {
  await using screen = await openScreen({ dir, columns: 80 }, env)
  await screen.type(`mkdir -p ${dir}/names; cd ${dir}/names`)
  const begun = await answer(screen, 'ctfleet init web-1 nft-1')
  expect(begun).toMatch(
    /inventory\.yaml: 2 hosts[\s\S]*Next:\n +ctfleet inventory\n +ctfleet doctor --limit web-1\n +ctfleet plan/,
  )
  const written = await readFile(join(dir, 'names', 'inventory.yaml'), 'utf8')
  // What it advises, as it advises it.
  expect(await answer(screen, 'ctfleet inventory --ssh-config ../ssh_config')).toMatch(/2 hosts[\s\S]*code 0/)
  expect(await answer(screen, 'ctfleet doctor --limit web-1 --ssh-config ../ssh_config')).toMatch(
    /tracking[\s\S]*code 0/,
  )
  expect(await answer(screen, 'ctfleet plan --ssh-config ../ssh_config')).toMatch(/2 hosts: 2 healthy[\s\S]*code 0/)
  expect(await answer(screen, 'ctfleet init db-1')).toMatch(/is there already, and was left as it is[\s\S]*code 2/)
  expect(await readFile(join(dir, 'names', 'inventory.yaml'), 'utf8')).toBe(written)
  expect(await answer(screen, 'ctfleet init --policy')).toMatch(/policy\.yaml[\s\S]*code 0/)
  expect(await answer(screen, 'ctfleet audit --policy policy.yaml --ssh-config ../ssh_config')).toMatch(/code [04]/)
}, 120_000)

test("from Ansible's inventory to a first plan, without the passwords in it", async () => {
  await using screen = await openScreen({ dir, columns: 80 }, env)
  await screen.type(`mkdir -p ${dir}/ansible; cd ${dir}/ansible`)
  expect(await answer(screen, 'ctfleet init ../hosts.ini')).toMatch(
    /is a file\s+to take its hosts: ctfleet init --from[\s\S]*code 2/,
  )
  expect(await answer(screen, 'ctfleet init --from ../hosts.ini')).toMatch(
    /inventory\.yaml: 2 hosts\n[\s\S]*passwords were not taken over[\s\S]*code 0/,
  )
  const written = await readFile(join(dir, 'ansible', 'inventory.yaml'), 'utf8')
  expect(written).not.toContain('not-needed-here')
  const hosts = await answer(screen, 'ctfleet plan --format json | jq -r ".hosts[] | .host + \\" \\" + .status"')
  expect(hosts).toMatch(/sudo-1 healthy/)
  expect(hosts).toMatch(/web-1 healthy/)
  expect(await answer(screen, 'ctfleet plan --limit admin')).toMatch(/1 host: 1 healthy/)
}, 120_000)

/** How each shell begins to complete, by its own means and no stand-in. */
const SHELLS: Readonly<Record<string, { readonly start: string; readonly load: string }>> = {
  bash: { start: 'bash --norc --noprofile', load: '. <(ctfleet completion bash)' },
  zsh: { start: 'zsh -f', load: 'autoload -U compinit; compinit -D; . <(ctfleet completion zsh)' },
  fish: { start: 'fish --no-config', load: 'ctfleet completion fish | source' },
}

describe.each(Object.entries(SHELLS))('%s', (_name, { start, load }) => {
  test('completes commands, options, values and hosts with Tab', async () => {
    await using screen = await openScreen({ dir, columns: 80 }, env)
    await screen.type(`cd ${lab.dir}`)
    await screen.type(start)
    await screen.type(load)
    await screen.type("echo load''ed")
    await screen.until(/^loaded$/m)
    const typed = async (begun: string, whole: RegExp) => {
      await screen.clear()
      await screen.keys(begun)
      await screen.press('Tab')
      await screen.until(whole)
      await screen.press('C-c')
      // What is typed before the shell has its new line goes to the old one.
      await screen.until(/\n[^\n]*[$%#>]$/)
    }
    await typed('ctfleet expl', /ctfleet explain/)
    await typed('ctfleet plan --forma', /ctfleet plan --format/)
    await typed('ctfleet plan --format js', /ctfleet plan --format json/)
    await typed('ctfleet plan -i inventory.yaml --limit sud', /--limit sudo-1/)
    await typed('ctfleet playbook sho', /ctfleet playbook show/)
    await typed('ctfleet plan --strategy notr', /--strategy notrack/)
  }, 120_000)
})

async function answer(screen: Screen, line: string): Promise<string> {
  await screen.clear()
  await screen.type(`${line}; echo code $?`)
  return await screen.until(/^code \d/m)
}
