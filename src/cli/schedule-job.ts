import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { argv, cwd, execArgv, execPath } from 'node:process'
import type { Complaint } from '../input/complaint.ts'
import { InputError } from '../input/complaint.ts'
import { sourcesIn } from '../inventory/named.ts'
import type { Host, SshWay } from '../model/host.ts'
import type { Schedule } from '../model/schedule.ts'
import { type Job, unsayable } from '../serve/job.ts'
import { stateDirectory } from '../store/state-directory.ts'
import { homePath } from '../transport/fresh-file.ts'
import { lockedIdentities, offersFor } from '../transport/identities.ts'
import { keyring } from '../transport/keyring.ts'
import { DEFAULT_KNOWN_HOSTS } from '../transport/known-hosts.ts'
import { takesNewKeys } from '../transport/new-keys.ts'
import { accessAgain } from './access-words.ts'
import { complainAbout } from './checks.ts'
import { inventoryName } from './history.ts'
import type { TargetWords } from './targets.ts'
import type { Notify, NotifyWords } from './watch-words.ts'

export type JobWords = TargetWords &
  NotifyWords & {
    readonly policy?: string | undefined
    readonly forks?: string | undefined
    readonly drift?: boolean | undefined
  }

/** The command that a timer runs: `serve --once`, all of its paths absolute. @throws InputError for what cannot be written. */
export function jobFrom(
  words: JobWords,
  { name, jitter, catchUp }: Schedule,
  {
    hosts,
    notify,
    isUsers,
  }: { readonly hosts: readonly Host[]; readonly notify: Notify | null; readonly isUsers: boolean },
): Job {
  const home = homedir()
  const job: Job = {
    name,
    command: [...ourselves(), 'serve', '--once', '--name', name, ...wordsAgain(words, notify)],
    directory: cwd(),
    home,
    state: resolve(stateDirectory(process.env, home)),
    writes: isUsers ? [] : newKeysIn(hosts),
    jitter,
    catchUp,
    looksHere: hosts.some(({ transport }) => transport === 'local'),
    isUsers,
  }
  const odd = unsayable(job)
  if (odd === null) return job
  throw complainAbout(odd.text, odd.why, 'rename it, or begin from another directory')
}

/** The directories of the files into which new keys of hosts are written down. */
function newKeysIn(hosts: readonly Host[]): readonly string[] {
  const ways = hosts
    .filter(({ transport }) => transport !== 'local')
    .flatMap((host): readonly SshWay[] => [host, ...(host.jumps ?? [])])
  const files = ways
    .filter(takesNewKeys)
    .map((way) => homePath((way.knownHostsFiles[0] ?? DEFAULT_KNOWN_HOSTS[0]) as string))
  return [...new Set(files.filter((file) => file !== '/dev/null').map((file) => dirname(resolve(file))))]
}

function ourselves(): readonly [string, ...string[]] {
  const script = realpathSync(argv[1] ?? '')
  // From its source it needs what reads that.
  return [execPath, ...(script.endsWith('.ts') ? execArgv : []), script]
}

function wordsAgain(words: JobWords, notify: Notify | null): readonly string[] {
  const option = (flag: string, value: string | undefined) => (value === undefined ? [] : [flag, value])
  const path = (value: string | undefined) => (value === undefined ? undefined : resolve(value))
  const source = (value: string | undefined) => (value?.startsWith('command:') ? value : path(value))
  const { sshConfig, vaultPasswordFile, passFrom, becomePassFrom, passphraseFrom } = words
  const told =
    notify?.by === 'command'
      ? ['--notify-command', words.notifyCommand?.startsWith('shell:') ? words.notifyCommand : notify.name]
      : []
  return [
    ...sourcesIn(inventoryName(words)).flatMap((each) => ['--inventory', each]),
    ...option('--limit', words.limit),
    ...option('--policy', path(words.policy)),
    ...option('--forks', words.forks),
    ...(words.drift === false ? ['--no-drift'] : []),
    ...(words.acceptNew === true ? ['--accept-new'] : []),
    ...accessAgain({
      ...words,
      sshConfig: sshConfig === 'none' ? sshConfig : path(sshConfig),
      vaultPasswordFile: vaultPasswordFile?.map((file) =>
        file.replace(/^((?:[^/@]*@)?)(.+)$/s, (_, id, at) => id + resolve(at)),
      ),
      passFrom: source(passFrom),
      becomePassFrom: source(becomePassFrom),
      passphraseFrom: source(passphraseFrom),
    }),
    ...told,
    ...option('--webhook', words.webhook),
    ...option('--webhook-secret-file', path(words.webhookSecretFile)),
    ...(words.webhookInsecure === true ? ['--webhook-insecure'] : []),
  ]
}

const INSTEAD = '--pass-from FILE, --become-pass-from FILE, --passphrase-from FILE, or a key without a passphrase'

/** Nobody types a password at night. @throws InputError for each option that would ask. */
export function checkAsksNobody(words: TargetWords): void {
  const asks = (flag: string, isGiven: boolean) =>
    isGiven ? complainAbout(flag, 'nobody is there to type it when it is time', `give ${INSTEAD}`).complaints : []
  const sources = [words.passFrom, words.becomePassFrom, words.passphraseFrom]
  const complaints: readonly Complaint[] = [
    ...asks('--ask-pass', words.askPass === true),
    ...asks('--ask-become-pass', words.askBecomePass === true),
    ...asks('--ask-vault-pass', words.askVaultPass === true),
    ...sources.flatMap((source) => asks(source ?? '', source?.startsWith('fd:') === true)),
  ]
  if (complaints.length > 0) throw new InputError(complaints)
}

/**
 * A timer has no agent either, which this process must not have had since its beginning.
 * @throws InputError for keys whose passphrase somebody would have to type, and for hosts that none of our keys is for.
 */
export async function checkCanLogIn(hosts: readonly Host[]): Promise<void> {
  const overSsh = hosts.filter(({ transport }) => transport !== 'local')
  const place = { line: null, column: null, path: '' }
  const complaints: Complaint[] = (await lockedIdentities(overSsh)).map(({ path }) => ({
    ...place,
    file: path,
    message: 'its passphrase would have to be typed, and the agent of a login is not there for a timer',
    hint: `give ${INSTEAD}`,
  }))
  const without: string[] = []
  if (complaints.length === 0) {
    for (const host of overSsh) {
      if (host.transport === 'openssh' || keyring.loginPassword(host) !== undefined) continue
      const offers = await offersFor(host)
      if (offers.every((offer) => 'cannot' in offer)) without.push(host.name)
    }
  }
  const [first] = without
  if (first !== undefined) {
    const others = without.length === 1 ? '' : ` (and ${without.length - 1} more)`
    const message = `${first}${others}: no key file to log in with, and the agent of a login is not there for a timer`
    complaints.push({
      ...place,
      file: 'inventory',
      message,
      hint: `name one by ansible_ssh_private_key_file; or give ${INSTEAD}`,
    })
  }
  if (complaints.length > 0) throw new InputError(complaints)
}
