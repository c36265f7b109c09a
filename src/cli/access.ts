import { type Complaint, InputError } from '../input/complaint.ts'
import { loadInventory } from '../inventory/inventory.ts'
import type { Host, HostSecrets, SshWay } from '../model/host.ts'
import { listed } from '../report/text/listed.ts'
import { checkIdentities, lockedIdentities } from '../transport/identities.ts'
import { keyring } from '../transport/keyring.ts'
import type { AccessWords } from './access-words.ts'
import { askSecret, canAskHere } from './ask-secret.ts'
import { checkAll, complainAbout } from './checks.ts'
import { readSecret } from './secret-source.ts'
import { vaultPasswordsFrom } from './vault-passwords.ts'

/**
 * Puts on the keyring what can be had without asking, and checks the key files of hosts and of the hosts in between.
 * @throws InputError with every source that gives nothing and every key file that cannot be used
 */
export async function checkAccess(hosts: readonly Host[], words: AccessWords): Promise<void> {
  const ways = waysUsed(hosts, words)
  if (words.writesKeys === true && ways.length === 0) return
  await checkAll({
    login: async () => keyring.holdForAll(await given(words.passFrom, '--pass-from', 'login')),
    become: async () => keyring.holdForAll(await given(words.becomePassFrom, '--become-pass-from', 'become')),
    terminal: () => checkTerminal(words),
    inventories: async () => (words.writesKeys === true ? undefined : await holdAgain(hosts, words)),
    passphrase: async () => await unlockAll(ways, words),
    keys: async () => {
      const canAsk = canAskHere() || words.passphraseFrom !== undefined
      const complaints = await checkIdentities(ways, { canAsk })
      if (complaints.length > 0)
        throw new InputError(
          complaints.map(({ path, message, hint }) => ({
            ...NOWHERE,
            file: path,
            message: `${message} (${ownersOf(path, hosts)})`,
            hint,
          })),
        )
    },
  })
}

/**
 * Asks the person for what only they can give, once for the whole run. It comes after all checks and before the first
 * connection.
 * @throws InputError where nobody can be asked, BrokenOff at Ctrl-C
 */
export async function askForAccess(hosts: readonly Host[], words: AccessWords): Promise<void> {
  if (hosts.length === 0) return
  if (words.askPass === true) {
    const login = await askSecret('--ask-pass', '--pass-from', 'Password to log in:')
    if (login !== '') keyring.holdForAll({ login })
  }
  if (words.askBecomePass === true) {
    const otherwise = words.askPass === true || words.passFrom !== undefined ? ' (Enter: the same)' : ''
    const become = await askSecret('--ask-become-pass', '--become-pass-from', `Password to become root${otherwise}:`)
    if (become !== '') keyring.holdForAll({ become })
  }
  if (!canAskHere()) return
  for (const { path, unlock } of await lockedIdentities(waysUsed(hosts, words))) {
    for (let tries = 1; ; tries++) {
      const again = tries === 1 ? '' : ', which that was not'
      const passphrase = await askSecret('--passphrase-from', '--passphrase-from', `Passphrase of ${path}${again}:`)
      // As ssh has it: whoever presses Enter goes on without this key.
      if (passphrase === '') break
      if (unlock(passphrase) !== null) {
        keyring.holdPassphrase(path, passphrase)
        break
      }
      if (tries === TRIES)
        throw complainAbout(
          path,
          `none of ${TRIES} passphrases was the one of this key`,
          `ssh-keygen -y -f ${path} asks for it too`,
        )
    }
  }
}

const TRIES = 3
const NOWHERE = { line: null, column: null, path: '' } as const

/** Puts what an inventory says of passwords on the keyring. */
export function holdSecrets(hosts: readonly Pick<Host, 'name'>[], secrets: ReadonlyMap<string, HostSecrets>): void {
  for (const { name } of hosts) {
    const own = secrets.get(name)
    if (own !== undefined) keyring.holdFor(name, own)
  }
}

/** Whose key file it is: a person looks for hosts in an inventory, and not for files. */
function ownersOf(path: string, hosts: readonly Host[]): string {
  const shows = (way: SshWay) => way.identityFiles.includes(path)
  const own = hosts.filter(shows).map(({ name }) => name)
  const behind = hosts.filter(({ jumps = [] }) => jumps.some(shows)).map(({ name }) => name)
  return own.length > 0 ? `of ${listed(own, 5)}` : `of a jump host to ${listed(behind, 5)}`
}

/** Who is logged in to: to show host keys only those in between are. */
function waysUsed(
  hosts: readonly Host[],
  { writesKeys }: AccessWords,
): readonly (SshWay & { readonly name?: string })[] {
  const overSsh = hosts.filter(({ transport }) => transport !== 'local')
  return overSsh.flatMap((host) => [...(writesKeys === true ? [] : [host]), ...(host.jumps ?? [])])
}

async function given(source: string | undefined, option: string, of: keyof HostSecrets): Promise<HostSecrets> {
  return source === undefined ? {} : { [of]: await readSecret(option, source) }
}

/** Nobody is asked before all else is right, but that nobody can be asked is said with all else. */
function checkTerminal({ askPass, passFrom, askBecomePass, becomePassFrom }: AccessWords): void {
  const complaints = [
    ...(askPass === true ? twice('--ask-pass', '--pass-from', passFrom) : []),
    ...(askBecomePass === true ? twice('--ask-become-pass', '--become-pass-from', becomePassFrom) : []),
  ]
  if (complaints.length > 0) throw new InputError(complaints)
}

function twice(option: string, instead: string, source: string | undefined): readonly Complaint[] {
  if (source !== undefined)
    return complainAbout(option, `${instead} gives it already`, 'leave one of them out').complaints
  if (canAskHere()) return []
  return complainAbout(option, 'there is no terminal to ask in', `run this in a terminal, or give ${instead} SOURCE`)
    .complaints
}

/** Hosts of a plan or of a run: their passwords are nowhere but in the inventory that they came from, which is read again. */
async function holdAgain(hosts: readonly Host[], words: AccessWords): Promise<void> {
  const { askPass, passFrom, askBecomePass, becomePassFrom } = words
  const isGiven = [askPass, askBecomePass].includes(true) || (passFrom ?? becomePassFrom) !== undefined
  // Also where a password is given for all: one of a host's own goes before it, and another one there would be a wrong one.
  const without = hosts.filter((host) => !keyring.holdsFor(host))
  const complaints: Complaint[] = []
  for (const file of new Set(without.flatMap(({ secretsFrom }) => secretsFrom ?? []))) {
    const of = without.filter(({ secretsFrom }) => secretsFrom === file)
    try {
      const { secrets, setAside } = await loadInventory(file, { vaultPasswords: await vaultPasswordsFrom(words) })
      holdSecrets(of, secrets)
      const sealed = setAside.find(({ name }) => of.some((host) => host.name === name))?.complaints
      if (sealed !== undefined && !isGiven) {
        complaints.push(...sealed)
        continue
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      // What a person gives may be all that is needed; where it is not, logging in says so.
      if (isGiven) continue
      const [first] = error.complaints
      const why = first === undefined ? '' : `: ${first.file}: ${first.message}`
      const message = `the password of ${of[0]?.name ?? 'a host'} is in there, and cannot be read${why}`
      complaints.push({
        ...NOWHERE,
        file,
        message,
        hint: 'mend it, or give the password: --ask-pass, or --pass-from SOURCE',
      })
      continue
    }
    const still = of.filter((host) => !keyring.holdsFor(host))
    if (still.length === 0 || isGiven) continue
    const message = `names no password of ${still[0]?.name ?? 'a host'} any more, as it did when this was planned`
    complaints.push({ ...NOWHERE, file, message, hint: 'give the password: --ask-pass, or --pass-from SOURCE' })
  }
  if (complaints.length > 0) throw new InputError(complaints)
}

/** @throws InputError for each key that `--passphrase-from` does not open; of the usual ones none needs to be opened. */
async function unlockAll(ways: readonly SshWay[], { passphraseFrom }: AccessWords): Promise<void> {
  if (passphraseFrom === undefined) return
  const passphrase = await readSecret('--passphrase-from', passphraseFrom)
  const named = new Set(ways.flatMap(({ identityFiles }) => identityFiles))
  const complaints: Complaint[] = []
  for (const { path, unlock } of await lockedIdentities(ways)) {
    if (unlock(passphrase) !== null) keyring.holdPassphrase(path, passphrase)
    else if (named.has(path)) {
      const message = `the passphrase that ${passphraseFrom} gives is not the one of this key`
      complaints.push({ ...NOWHERE, file: path, message, hint: `ssh-add ${path} asks for it` })
    }
  }
  if (complaints.length > 0) throw new InputError(complaints)
}
