import { accessSync, constants, existsSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { counted } from '../diagnosis/numbers.ts'
import type { Check } from '../model/checkup.ts'
import type { Host } from '../model/host.ts'
import { asManyAsFit, freeDescriptors, READING_FILES } from '../run/descriptors.ts'
import { quote } from '../shell/script.ts'
import { agentKeys, agentSocket } from '../transport/agent.ts'
import { homePath } from '../transport/fresh-file.ts'
import { DEFAULT_KNOWN_HOSTS } from '../transport/known-hosts.ts'
import { opensshProgram } from '../transport/openssh-program.ts'
import { READING } from './parallel.ts'
import { recordPlace } from './record-place.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/**
 * What this machine has of what ctfleet needs here. Writes nothing.
 * @param host whose known_hosts files are looked at; null: the usual ones.
 */
export async function machineChecks(terminal: Terminal, host: Host | null): Promise<readonly Check[]> {
  return [
    nodeCheck(process.versions.node),
    filesCheck(),
    await sshCheck(),
    await agentCheck(),
    await knownCheck(host),
    recordCheck(),
    terminalCheck(terminal),
  ]
}

/** The lowest that package.json admits. */
const LEAST = [20, 19] as const

export function nodeCheck(node: string): Check {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const said = `ctfleet ${version()} on node ${node}`
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return ok('program', said)
  return { check: 'program', standing: 'failed', said, next: `use node ${LEAST.join('.')} or later` }
}

function filesCheck(): Check {
  const free = freeDescriptors()
  if (free === null) return note('open files', 'how many files may be open is not told here')
  const { note: less } = asManyAsFit(READING, READING_FILES, free)
  if (less === null) return ok('open files', `${free} more may be opened, enough for ${READING} hosts at a time`)
  return { ...note('open files', `${free} more may be opened`), next: less }
}

async function sshCheck(): Promise<Check> {
  const program = await opensshProgram()
  if ('version' in program)
    return ok('ssh', `OpenSSH ${program.version}, for certificates, hardware keys and ProxyCommand`)
  return {
    ...note('ssh', program.cannot),
    next: "install OpenSSH's client where certificates, hardware keys or a ProxyCommand are needed; all else goes without",
  }
}

async function agentCheck(): Promise<Check> {
  const socket = agentSocket({})
  if (socket === null) return note('agent', 'none (SSH_AUTH_SOCK is not set); key files in ~/.ssh are used')
  const keys = await agentKeys(socket)
  if (keys.length > 0) return ok('agent', counted(keys.length, 'key', 'keys'))
  return {
    ...note('agent', `it holds no key, or does not answer (${socket})`),
    next: 'ssh-add -l says which; ssh-add adds one',
  }
}

/** Files that are not there say nothing, and that is fine; one that may not be read hides what it says. */
async function knownCheck(host: Host | null): Promise<Check> {
  const files = knownHostsOf(host)
  const there: string[] = []
  for (const file of files) {
    const path = homePath(file)
    if (!existsSync(path)) continue
    try {
      await access(path, constants.R_OK)
      there.push(file)
    } catch {
      const next = `chmod u+r ${quote(path)}`
      return { check: 'known hosts', standing: 'failed', said: `${file} may not be read`, next }
    }
  }
  if (there.some((file) => file !== '/dev/null')) return ok('known hosts', there.join(', '))
  if (there.length > 0) return note('known hosts', 'no file is kept (/dev/null), so every host is a new one')
  return { ...note('known hosts', `no file yet (${files[0]}), so every host is a new one`), next: 'ctfleet keys' }
}

/** Those that are asked on the way into the host, hosts in between too. */
function knownHostsOf(host: Host | null): readonly string[] {
  const ways = host === null || host.transport === 'local' ? [] : [host, ...(host.jumps ?? [])]
  const named = new Set(ways.flatMap(({ knownHostsFiles }) => knownHostsFiles))
  return named.size === 0 ? DEFAULT_KNOWN_HOSTS : [...named]
}

/** Where the record is kept, or, before there is one, where it would be made. */
function recordCheck(): Check {
  const place = recordPlace()
  let nearest = place
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest)
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK)
    return ok('record', nearest === place ? place : `${place}, made by the first apply`)
  } catch {
    const next = 'set CTFLEET_STATE to a directory that you may write to; without it nothing can be applied'
    return { check: 'record', standing: 'failed', said: `${nearest} may not be written`, next }
  }
}

function terminalCheck({ canAsk, notices, paper }: Terminal): Check {
  const colour = paper.ink('bad', 'x') === 'x' ? 'without colour' : 'with colour'
  if (canAsk) return ok('terminal', `${notices.columns} columns, ${colour}; questions can be asked`)
  return note(
    'terminal',
    `none, so nothing is asked: apply takes --yes or --approve-file, passwords their --…-from options`,
  )
}

function ok(check: string, said: string): Check {
  return { check, standing: 'ok', said, next: null }
}

function note(check: string, said: string): Check {
  return { check, standing: 'note', said, next: null }
}
