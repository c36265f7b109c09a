import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isVault, openVault, type VaultPassword } from '../../src/inventory/vault.ts'

type Sealed = { readonly sealed: readonly string[]; readonly password: string }
type Case = Sealed & { readonly title: string; readonly id: string | null; readonly text: string }

const { vaults, noText }: { vaults: readonly Case[]; noText: Sealed } = JSON.parse(
  readFileSync(new URL('../cases/vault/ansible.json', import.meta.url), 'utf8'),
)

const WRONG: VaultPassword = { id: null, password: 'wrong' }

describe('what Ansible sealed opens', () => {
  test.each(vaults)('$title', ({ sealed, password, id, text }) => {
    const vault = `${sealed.join('\n')}\n`
    expect(isVault(vault)).toBe(true)
    expect(openVault(vault, [{ id, password }])).toEqual({ text })
    expect(openVault(vault, [WRONG, { id: 'another', password }])).toEqual({ text })
    expect(openVault(vault.replaceAll('\n', '\r\n'), [{ id, password }])).toEqual({ text })
    // As a block of YAML gives it: without its last newline.
    expect(openVault(vault.trimEnd(), [{ id, password }])).toEqual({ text })
  })
})

describe('what stays sealed says why', () => {
  const [plain, ofProduction] = [vaults[0], vaults.find(({ id }) => id !== null)].map(
    (one) => one?.sealed.join('\n') ?? '',
  )
  const cut = plain?.split('\n').slice(0, -1).join('\n')
  const cases: readonly [title: string, vault: string | undefined, passwords: readonly VaultPassword[], why: string][] =
    [
      ['no password', plain, [], 'no vault password was given'],
      ['a wrong one', plain, [WRONG], 'the vault password does not open it'],
      ['several wrong ones', plain, [WRONG, WRONG], 'none of the vault passwords opens it'],
      ['another id', ofProduction, [WRONG], 'the vault password does not open it; it asks for the one called prod'],
      ['no password for an id', ofProduction, [], 'no vault password was given; it asks for the one called prod'],
      [
        'its end is missing',
        cut,
        [{ id: null, password: vaults[0]?.password ?? '' }],
        'the vault password does not open it',
      ],
      ['half a byte is missing', plain?.slice(0, -1), [WRONG], 'it is cut off or damaged'],
      ['a letter that is no digit', plain?.replace(/\d$/, 'x'), [WRONG], 'it is cut off or damaged'],
      ['a header alone', '$ANSIBLE_VAULT;1.1;AES256\n', [WRONG], 'it is cut off or damaged'],
      ['no vault', 'web-1', [WRONG], 'it does not begin with $ANSIBLE_VAULT'],
      [
        'an older format',
        '$ANSIBLE_VAULT;1.0;AES\n53616c7465645f5f',
        [WRONG],
        'it is of format 1.0 with cipher AES, and ctfleet opens AES256 of 1.1 and 1.2 only',
      ],
      [
        'bytes that are no text',
        noText.sealed.join('\n'),
        [{ id: null, password: noText.password }],
        'what it holds is no text in UTF-8',
      ],
    ]
  test.each(cases)('%s', (_title, vault, passwords, sealed) => {
    expect(openVault(vault ?? '', passwords)).toEqual({ sealed })
  })
})

test('a changed byte is found, wherever it is', () => {
  const [{ sealed, password } = { sealed: [], password: '' }] = vaults
  const [header, ...lines] = sealed
  const body = lines.join('')
  for (let at = 0; at < body.length; at += 23) {
    const changed = body.slice(0, at) + (body[at] === '3' ? '6' : '3') + body.slice(at + 1)
    expect(openVault(`${header}\n${changed}`, [{ id: null, password }])).toHaveProperty('sealed')
  }
})

test('the same vault a thousand times costs one derivation', () => {
  const [{ sealed, password } = { sealed: [], password: '' }] = vaults
  const known = { id: null, password }
  openVault(sealed.join('\n'), [known])
  const begun = performance.now()
  for (let time = 0; time < 1000; time++) openVault(sealed.join('\n'), [known])
  expect(performance.now() - begun).toBeLessThan(1000)
})
