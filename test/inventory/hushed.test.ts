import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { InputError, printComplaint } from '../../src/input/complaint.ts'
import { loadInventory, parseInventory } from '../../src/inventory/inventory.ts'
import { resolveWays } from '../../src/transport/access.ts'

const PASSWORDS = [{ id: null, password: 'opensesame' }]
const roots: string[] = []
let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ctfleet-hushed-'))
  roots.push(root)
  mkdirSync(join(root, 'group_vars'))
})
afterAll(() => {
  for (const each of roots) rmSync(each, { recursive: true, force: true })
})

const SLIPS: readonly (readonly [what: string, line: string])[] = [
  ['a user with a blank', 'ansible_user: "hunter six"'],
  ['a port in words', 'ansible_port: hunter6'],
  ['arguments of ssh', 'ansible_ssh_common_args: -o hunter6'],
  ['an option of ssh that there is not', 'ansible_ssh_common_args: -o Hunter6=x'],
  ['a value of an option of ssh', 'ansible_ssh_common_args: -o Port=hunter6'],
  ['a file of a variable that there is not', 'ansible_private_key_file: "%zhunter6"'],
  ['a connection', 'ansible_connection: hunter6'],
  ['a way to root', 'ansible_become: yes\nansible_become_method: hunter6'],
  ['a password that begins with an asterisk', 'ansible_password: *hunter6'],
  ['a password that looks like a block', 'ansible_password: |hunter6'],
  ['a tag', 'ansible_password: !hunter6 x'],
  ['a template', 'ansible_password: "hunter{{6"'],
  ['no map', 'hunter6'],
]

describe('of what came out of a vault nothing is said, however wrong it is', () => {
  test.each(SLIPS)('variables beside the inventory: %s', async (_what, line) => {
    writeFileSync(join(root, 'hosts.yml'), 'g: {hosts: {a: }}\n')
    writeFileSync(join(root, 'group_vars/g.yml'), sealed(`${line}\n`))
    const told = await complaintsOf(join(root, 'hosts.yml'))
    expect(told).toMatch(/g\.yml:\d+:\d+/)
    expect(told).not.toMatch(/hunter/i)
  })

  test.each(SLIPS)('the inventory itself: %s', async (_what, line) => {
    const vars = line.replaceAll('\n', '\n    ')
    writeFileSync(join(root, 'hosts.yml'), sealed(`g:\n  hosts: {a: }\n  vars:\n    ${vars}\n`))
    const told = await complaintsOf(join(root, 'hosts.yml'))
    expect(told).toMatch(/hosts\.yml:\d+/)
    expect(told).not.toMatch(/hunter/i)
  })

  test('and what is in order gets into no plan and no report', async () => {
    writeFileSync(join(root, 'hosts.yml'), sealed('g:\n  hosts: {a: {rack: hunter6}}\n  vars: {db: hunter7}\n'))
    const { hosts, groups, values } = await loadInventory(join(root, 'hosts.yml'), { vaultPasswords: PASSWORDS })
    const shown = JSON.stringify([hosts, groups.map(({ vars }) => [...vars]), [...(values.get('a') ?? [])]])
    expect(hosts.map(({ name }) => name)).toEqual(['a'])
    expect(shown).not.toMatch(/hunter/)
  })
})

describe('a password that was written wrongly is not said', () => {
  test.each([
    ['a blank behind =', 'h ansible_password= hunter6'],
    ['blanks around =', 'h ansible_password = hunter6'],
    ['a blank in it', 'h ansible_password=my hunter6'],
    ['a variable of a group without =', 'h\n[g]\nh\n[g:vars]\nansible_password hunter6'],
  ])('in an INI: %s', (_what, text) => {
    const told = messageOf(text, 'hosts')
    expect(told).toMatch(/^hosts:\d+:\d+/)
    expect(told).not.toContain('hunter6')
  })

  test.each([
    ['an asterisk before it', 'ansible_password: *hunter6'],
    ['a bar before it', 'ansible_password: |hunter6'],
    ['a tag of nobody', 'ansible_password: !h!hunter6 x'],
    ['a bracket before it', 'ansible_password: ]hunter6'],
  ])('in YAML: %s', (_what, line) => {
    const told = messageOf(`all:\n  hosts:\n    a:\n      ${line}\n`, 'i.yaml')
    expect(told).toMatch(/^i\.yaml:\d+:\d+/)
    expect(told).not.toContain('hunter6')
  })
})

/** Everything that is said of an inventory, up to the way to its hosts. */
async function complaintsOf(file: string): Promise<string> {
  try {
    const { hosts, setAside } = await loadInventory(file, { vaultPasswords: PASSWORDS })
    const { complaints } = await resolveWays(hosts, { sshConfig: 'none' })
    return [...setAside.flatMap((each) => each.complaints), ...complaints].map(printComplaint).join('\n')
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

function messageOf(text: string, file: string): string {
  try {
    return `loaded ${parseInventory(text, file, { cwd: '/fleet', home: '/home/ada' }).hosts.length}`
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

/** As `ansible-vault encrypt` does, format 1.1. */
function sealed(text: string): string {
  const salt = Buffer.from('no matter for a test')
  const keys = pbkdf2Sync('opensesame', salt, 10_000, 80, 'sha256')
  const padding = 16 - (Buffer.byteLength(text) % 16)
  const cipher = createCipheriv('aes-256-ctr', keys.subarray(0, 32), keys.subarray(64))
  const padded = Buffer.concat([Buffer.from(text), Buffer.alloc(padding, padding)])
  const ciphertext = Buffer.concat([cipher.update(padded), cipher.final()])
  const digest = createHmac('sha256', keys.subarray(32, 64)).update(ciphertext).digest('hex')
  const parts = [salt.toString('hex'), digest, ciphertext.toString('hex')].join('\n')
  return `$ANSIBLE_VAULT;1.1;AES256\n${Buffer.from(parts).toString('hex')}\n`
}
