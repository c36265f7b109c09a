import { accessSync, constants, existsSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname } from 'node:path'
import { counted } from '../diagnosis/numbers.ts'
import type { Check } from '../model/checkup.ts'
import { asManyAsFit, freeDescriptors, READING_FILES } from '../run/descriptors.ts'
import { agentKeys, agentSocket } from '../transport/agent.ts'
import { DEFAULT_KNOWN_HOSTS } from '../transport/known-hosts.ts'
import { opensshProgram } from '../transport/openssh-program.ts'
import { READING } from './parallel.ts'
import { recordPlace } from './record-place.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/** What this machine has of what ctfleet needs here. Writes nothing. */
export async function machineChecks(terminal: Terminal): Promise<readonly Check[]> {
  return [
    nodeCheck(process.versions.node),
    filesCheck(),
    await sshCheck(),
    await agentCheck(),
    await knownCheck(),
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
async function knownCheck(): Promise<Check> {
  const there: string[] = []
  for (const file of DEFAULT_KNOWN_HOSTS) {
    const path = file.replace(/^~(?=\/)/, homedir())
    if (!existsSync(path)) continue
    try {
      await access(path, constants.R_OK)
      there.push(file)
    } catch {
      return { check: 'known hosts', standing: 'failed', said: `${file} may not be read`, next: `chmod u+r ${path}` }
    }
  }
  if (there.length > 0) return ok('known hosts', there.join(', '))
  return { ...note('known hosts', 'no file yet, so every host is a new one'), next: 'ctfleet keys' }
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
