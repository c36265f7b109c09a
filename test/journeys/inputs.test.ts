import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { planDocument } from '../../src/plan/document.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { run } from '../lab/command.ts'
import { aPlan } from '../report/fleet.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** Mistakes of whoever types: said at once, all of them, before anything is contacted. */

let dir: string
/** The only host that any of these files names. */
let host: Server
let contacts = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  host = createServer((socket) => {
    contacts++
    socket.destroy()
  })
  await new Promise<void>((ready) => host.listen(0, '127.0.0.1', ready))
  const { port } = host.address() as AddressInfo
  const at = `ansible_host: 127.0.0.1, ansible_port: ${port}`
  const keys = ['missing', 'directory', 'garbage', 'public', 'encrypted'].map((name) => `${name}.key`)

  await mkdir(file('directory.key'))
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file('good.key')])
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', file('encrypted.key')])
  const { id: _, ...unsealed } = aPlan('web-1')
  const plan = sealPlan({ ...unsealed, host: { ...unsealed.host, address: '127.0.0.1', port } })
  const saved = JSON.stringify(
    planDocument('inventory.yaml', '2026-11-26T09:42:00.000Z', [{ host: 'web-1', status: 'planned', plan }]),
    null,
    2,
  )
  const files = {
    'good.yaml': `all:\n  hosts:\n    web-1: { ${at} }\n`,
    'bad.yaml': `all:
  hosts:
    web-1: { ${at} }
    web-2:
      ansible_host: 127.0.0.1
      ansible_port: ssh
    web-3:
      ansible_prot: ${port}
      ansible_become: perhaps
  childern:
    db:
`,
    'no.yaml': 'all:\n  hosts:\n\tweb-1:\n',
    'garbage.key': '\u0000\u0001garbage',
    'public.key': await readFile(file('good.key.pub'), 'utf8').catch(() => ''),
    'keys.yaml': `all:\n  hosts:\n${keys.map((key) => `    ${key}: { ${at}, ansible_ssh_private_key_file: ${file(key)} }\n`).join('')}`,
    'edited.json': saved.replaceAll('1572864', '1572865'),
    'cut.json': saved.slice(0, saved.length / 2),
    'words.json': 'no plan at all\n',
    'foreign.json': '{ "hosts": [] }\n',
  }
  await Promise.all(Object.entries(files).map(async ([name, text]) => await writeFile(file(name), text)))
})
afterAll(async () => {
  expect(contacts).toBe(0)
  await new Promise((closed) => host?.close(closed))
  await rm(dir, { recursive: true, force: true })
})

/** What was typed, a word with a dot being a file of ours, and the complaints: one a line, hints below them. */
const MISTAKES: [title: string, typed: string, ...complaints: RegExp[]][] = [
  [
    'an inventory with several mistakes',
    'plan bad.yaml',
    /bad\.yaml:6:21 all\.hosts\.web-2\.ansible_port: expected a whole number, found "ssh"/,
    /bad\.yaml:8:21 all\.hosts\.web-3\.ansible_prot: .*\n {2}did you mean "ansible_port"\?/,
    /bad\.yaml:9:23 all\.hosts\.web-3\.ansible_become: expected yes or no, found "perhaps"/,
    /bad\.yaml:10:3 all\.childern: .*\n {2}did you mean "children"\?/,
  ],
  ['an inventory that is no YAML', 'facts no.yaml', /no\.yaml:3:1: .*tab/],
  ['an inventory that is not there', 'facts nowhere.yaml', /nowhere\.yaml: no such file\n {2}\S/],
  ['a strategy that nobody knows', 'plan good.yaml --strategy unlod', /--strategy: .*\n {2}did you mean "unload"\?/],
  ['a playbook that is not there', 'plan good.yaml --strategy mine.yaml', /mine\.yaml: no such file/],
  [
    'keys that cannot be used',
    'plan keys.yaml',
    /missing\.key: the key file cannot be used: there is no such file \(of missing\.key\)\n {2}Name the file that there is/,
    /directory\.key: the key file cannot be used: it is a directory \(of .*\)\n {2}/,
    /garbage\.key: the key file cannot be used: it is no private key \(of .*\)\n {2}/,
    /public\.key: the key file cannot be used: it holds a public key.* \(of .*\)\n {2}/,
    /encrypted\.key: the key file is encrypted.*\n {2}ssh-add \S+/,
  ],
  ['a limit that matches nothing', 'facts good.yaml --limit wbe-1', /--limit: no host .*\n {2}did you mean "web-1"\?/],
  ['a limit of a file that is not there', 'facts good.yaml --limit @nowhere', /nowhere: no such file\n {2}\S/],
  [
    'a condition with a slip',
    'plan good.yaml --where 1<size(listenres)',
    /--where:1:8: there is no listenres\n.*\n {9}\^\n {2}did you mean "listeners"\?/,
  ],
  ['a host that no inventory names', 'inventory good.yaml --host wbe-1', /--host: .*\n {2}did you mean "web-1"\?/],
  ['a limit that leaves nothing', 'facts good.yaml --limit all:!web-1', /--limit: "all:!web-1" leaves no host/],
  [
    'ports that are none',
    'plan good.yaml --ports 80x,99999,53/udp',
    /--ports: "80x" is no port/,
    /--ports: "99999" is/,
  ],
  [
    'to apply with nobody to ask',
    'apply good.yaml',
    /--yes: there is no terminal to ask in.*\n {2}run this in a terminal/,
  ],
  ['to roll back where nothing stands, with nobody to ask', 'rollback last', /last: nothing that was applied/],
  ['an unknown option', 'plan good.yaml --frobnicate', /error: unknown option '--frobnicate'/],
  ['an unknown command', 'paln good.yaml', /error: unknown command 'paln'\n\(Did you mean plan\?\)/],
  ['an unknown run', 'rollback 20261126-0942-ffff --yes', /20261126-0942-ffff: no run has this id\n {2}.*ctfleet runs/],
  ['a plan that was edited', 'apply edited.json --yes', /edited\.json: .*digest does not match\n {2}.*ctfleet plan -o/],
  ['a plan of which half is missing', 'apply cut.json --yes', /cut\.json: this is not JSON\n {2}.*ctfleet plan -o/],
  [
    'a plan that ctfleet did not write',
    'apply foreign.json --yes',
    /foreign\.json: this is not a plan that ctfleet wrote/,
  ],
  ['a plan that is not JSON', 'show words.json', /words\.json: is no saved plan\n {2}.*ctfleet plan \S*words\.json/],
  [
    'neither plan nor inventory',
    'apply words.json --yes',
    /words\.json:1:4 ungrouped\.no: expected name=value, found "plan"\n {2}one host a line/,
    /words\.json:1:9 /,
    /words\.json:1:12 /,
  ],
  [
    'mistakes of every kind at once',
    'plan bad.yaml --strategy unlod --ports http -o nowhere/plan.json',
    /bad\.yaml:6:21 /,
    /bad\.yaml:8:21 /,
    /bad\.yaml:9:23 /,
    /bad\.yaml:10:3 /,
    /--strategy: /,
    /--ports: /,
    /--output: /,
  ],
]

test.concurrent.each(MISTAKES)('%s', async (_title, typed, ...complaints) => {
  const words = typed.split(' ').map((word) => (word.includes('.') && !word.startsWith('.') ? file(word) : word))
  const { code, stdout, stderr } = await ctfleet(words, { CTFLEET_STATE: file('state'), SSH_AUTH_SOCK: '' })
  expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' })
  expect(stderr).not.toMatch(/^\s+at |node:internal|\.ts:\d|ENOENT|EISDIR/m)
  const said = stderr.trimEnd().split(/\n(?![ (])/)
  expect(said.length, stderr).toBe(complaints.length)
  for (const [at, complaint] of complaints.entries()) expect(said[at]).toMatch(complaint)
  expect(contacts).toBe(0)
})

function file(name: string): string {
  return join(dir, name)
}
