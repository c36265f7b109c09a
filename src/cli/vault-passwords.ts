import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { readBounded } from '../input/bounded-file.ts'
import { plainReason } from '../input/system-error.ts'
import type { VaultPassword } from '../inventory/vault.ts'
import { homePath } from '../transport/fresh-file.ts'
import type { AccessWords } from './access-words.ts'
import { askSecret } from './ask-secret.ts'
import { complainAbout } from './checks.ts'
import { fromProgram } from './secret-source.ts'

const OPTION = '--vault-password-file'

/**
 * What opens sealed values of inventories: the files of `--vault-password-file` (or of ANSIBLE_VAULT_PASSWORD_FILE), each
 * with an id before it if it has one (`prod@file`), and what a person types. A file that may be run is run, as Ansible
 * does; one called `…-client` is told the id.
 * @throws InputError where one cannot be had
 */
export async function vaultPasswordsFrom(words: AccessWords): Promise<readonly VaultPassword[]> {
  const named = words.vaultPasswordFile ?? [process.env.ANSIBLE_VAULT_PASSWORD_FILE ?? ''].filter((path) => path !== '')
  const passwords: VaultPassword[] = []
  for (const each of named) {
    const reading = known.get(each) ?? passwordOf(each)
    known.set(each, reading)
    passwords.push(await reading)
  }
  if (words.askVaultPass === true) {
    asked ??= askSecret('--ask-vault-pass', OPTION, 'Vault password:')
    passwords.push({ id: null, password: await asked })
  }
  return passwords
}

/** Once in a run: inventories are read at several places. */
let asked: Promise<string> | undefined
const known = new Map<string, Promise<VaultPassword>>()

async function passwordOf(written: string): Promise<VaultPassword> {
  const [, id = null, name = written] = /^([^@/]+)@(.+)$/s.exec(written) ?? []
  const path = resolve(homePath(name))
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    const isMissing = found.code === 'ENOENT' || found.code === 'ENOTDIR'
    const message = isMissing ? `there is no file ${name}` : `${name} cannot be read: ${plainReason(found)}`
    throw complainAbout(OPTION, message, 'name a file that holds the password')
  }
  if (found.isDirectory()) throw complainAbout(OPTION, `${name} is a directory`, 'name a file that holds the password')
  const runs =
    found.isFile() &&
    (await access(path, constants.X_OK).then(
      () => true,
      () => false,
    ))
  const isClient = /-client(?:\.[^.]*)?$/.test(basename(path))
  const text = runs
    ? await fromProgram(OPTION, [path, ...(isClient && id !== null ? ['--vault-id', id] : [])])
    : await textOf(path, name)
  const password = text.trim()
  if (password === '') throw complainAbout(OPTION, `${name} gives no password`, 'name a file that holds the password')
  return { id, password }
}

/** Bytes: a password, and no file of something else. */
const MOST = 64 * 1024

async function textOf(path: string, name: string): Promise<string> {
  const read = await readBounded(path, MOST)
  if ('cannot' in read) throw complainAbout(OPTION, `${name} ${read.cannot}`, 'name a file that holds the password')
  return read.toString('utf8')
}
