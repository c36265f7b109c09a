import { grouped } from '../diagnosis/numbers.ts'
import type { Check } from '../model/checkup.ts'
import type { Facts } from '../model/facts.ts'
import type { Fault, FaultCode } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { sh } from '../shell/script.ts'
import { addressesOf } from '../transport/answers.ts'
import { type Life, lifeWithin } from '../transport/cancel.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfOutcome, gatherAsRoot, gatherAsUser } from './facts-host.ts'
import type { Telling } from './story.ts'

/** The steps of the way into a host, in their order. */
const STEPS = [
  'hosts in between',
  'address',
  'connection',
  'host key',
  'login',
  'shell',
  'tools',
  'root',
  'tracking',
] as const
type Step = (typeof STEPS)[number]

/**
 * Goes the way into one host as every command goes it, and says of each step how it went; nothing on the host changes. The steps
 * before the session are told from what came of opening it, so that what is tried here is what is done elsewhere.
 */
export async function doctorHost(host: Host, { signal, onStage }: Telling): Promise<readonly Check[]> {
  const life = lifeWithin(signal)
  try {
    return await goIn(host, life, onStage)
  } finally {
    life.end('all was looked at')
  }
}

async function goIn(host: Host, life: Life, onStage: Telling['onStage']): Promise<readonly Check[]> {
  onStage('connecting')
  // The session lives on after it: only the way in has this limit.
  const late = setTimeout(() => life.end(LATE), LONGEST_SECONDS.way(host) * 1000)
  const opened = await openSession(host, life.signal).finally(() => clearTimeout(late))
  if ('refused' in opened && life.signal.reason === LATE && opened.refused.code === 'cancelled')
    return upTo('connection', tooLate(host), await wayChecks(host, null))
  if ('refused' in opened) return upTo(STEP_OF[opened.refused.code], opened.refused, await wayChecks(host, null))
  await using session = opened
  const way = await wayChecks(host, session)
  onStage('reading')
  const tools = await toolsOf(session)
  if ('refused' in tools) return upTo('shell', tools.refused, way)
  const before = [...way, ok('shell', `a POSIX shell runs what is sent, as ${host.user}`), toolsCheck(tools.missing)]
  const notRoot = await becomingRoot(session)
  if (notRoot !== null && notRoot.code !== 'no-privilege') return upTo('root', notRoot, before)
  const root = notRoot === null ? ok('root', rootBy(host)) : failed('root', notRoot)
  const gathered = notRoot === null ? await gatherAsRoot(session) : await gatherAsUser(session, notRoot)
  if ('refused' in gathered) return upTo('tracking', gathered.refused, [...before, root])
  return [...before, root, trackingCheck(gathered.facts)]
}

/** How long doctor may take to be in, and for what it then asks, at most: each step has a limit of its own, and this is their sum. */
export const LONGEST_SECONDS = {
  way: ({ jumps = [] }: Host) => 60 * (jumps.length + 1),
  // A shell that says nothing, a way to root that does, facts.
  reading: 20 + 20 + 60,
} as const

const LATE = 'it took too long'

function tooLate(host: Host): Fault {
  const message = `${host.name} answers, and was not in after ${LONGEST_SECONDS.way(host)} s`
  return {
    code: 'connect-timed-out',
    message,
    next: `See from its console what sshd waits for: ssh -v ${host.address}`,
  }
}

/** Where on the way each fault is met; the compiler makes each have its place. */
const STEP_OF: Readonly<Record<FaultCode, Step>> = {
  jump: 'hosts in between',
  dns: 'address',
  inventory: 'address',
  refused: 'connection',
  unreachable: 'connection',
  'connect-timed-out': 'connection',
  'handshake-timed-out': 'connection',
  'login-timed-out': 'login',
  lost: 'connection',
  'host-key-unknown': 'host key',
  'host-key-changed': 'host key',
  'host-key-revoked': 'host key',
  auth: 'login',
  'no-shell': 'shell',
  'timed-out': 'shell',
  unreadable: 'shell',
  cancelled: 'connection',
  bug: 'connection',
  'no-privilege': 'root',
  locked: 'root',
  drifted: 'root',
  'step-failed': 'root',
  'not-verified': 'root',
  'not-confirmed': 'root',
  'undo-failed': 'root',
}

/** What stood before the step that failed went well; what comes after it was not reached. */
function upTo(step: Step, fault: Fault, went: readonly Check[]): readonly Check[] {
  return STEPS.flatMap((name): readonly Check[] => {
    const place = STEPS.indexOf(name) - STEPS.indexOf(step)
    if (place === 0) return [failed(name, fault)]
    const known = went.find(({ check }) => check === name)
    if (place < 0) return known === undefined ? [] : [known]
    return name === 'hosts in between' ? [] : [{ check: name, standing: 'not-reached', said: '', next: null }]
  })
}

/** @param session null where there is none: then how far it went is not told here */
async function wayChecks(host: Host, session: Session | null): Promise<readonly Check[]> {
  const { transport, address, port, user, jumps = [], whyOpenssh } = host
  if (transport === 'local') {
    const here = ok(
      'connection',
      'this machine itself (ansible_connection: local), so no change can be confirmed over a new login',
    )
    return [{ ...here, standing: 'note' }]
  }
  const between = jumps.map((jump) => `${jump.user}@${jump.address} port ${jump.port}`).join(', then ')
  const addresses = await addressesOf(host)
  const isName = addresses.length !== 1 || addresses[0] !== address
  const leads =
    jumps.length > 0
      ? `${address}, looked up by the last host in between`
      : isName
        ? `${address} is ${addresses.join(', ')}`
        : address
  const by = session?.loginBy ?? "by the system's ssh"
  return [
    ...(between === '' ? [] : [ok('hosts in between', `through ${between}`)]),
    ok('address', leads),
    ok(
      'connection',
      `port ${port} is an sshd's${whyOpenssh === undefined ? '' : `; through the system's ssh: ${whyOpenssh}`}`,
    ),
    ok('host key', 'the one that is known for it'),
    ok('login', `as ${user}, with ${by}`),
  ]
}

/** What a host needs besides a shell; either of a pair will do. */
const TOOLS =
  'cat grep sed head tr mkdir mv cp ln ls readlink stat rm rmdir printf date dd env sleep kill uname id'.split(' ')
const PAIRS = [
  ['cksum', 'sha256sum'],
  ['setsid', 'nohup'],
] as const
const TIMEOUT_MS = 20_000

async function toolsOf(
  session: Session,
): Promise<{ readonly missing: readonly string[] } | { readonly refused: Fault }> {
  const script = sh`for tool in ${[...TOOLS, ...PAIRS.flat()]}; do
  command -v "$tool" > /dev/null 2>&1 || printf '%s\n' "$tool"
done`
  const outcome = await session.run(script, { timeoutMs: TIMEOUT_MS, as: 'login-user' })
  if ('refused' in outcome) return outcome
  const fault = faultOfOutcome(outcome, 'looking for its tools')
  if (fault !== null) return { refused: fault }
  const gone = 'stdout' in outcome ? outcome.stdout.split('\n').filter((line) => line !== '') : []
  const halves = PAIRS.flat() as readonly string[]
  const pairs = PAIRS.filter((pair) => pair.every((tool) => gone.includes(tool))).map((pair) => pair.join(' or '))
  return { missing: [...gone.filter((tool) => !halves.includes(tool)), ...pairs] }
}

function toolsCheck(missing: readonly string[]): Check {
  if (missing.length === 0) return ok('tools', 'all that ctfleet needs of it is there')
  const said = `missing: ${missing.join(', ')}`
  return { check: 'tools', standing: 'failed', said, next: 'install coreutils or busybox there' }
}

/** Why root is not to be had; null where it is. Apart from the facts, or one would not know which of them hangs. */
async function becomingRoot(session: Session): Promise<Fault | null> {
  const outcome = await session.run(sh`true`, { timeoutMs: TIMEOUT_MS, as: 'root' })
  return 'refused' in outcome ? outcome.refused : faultOfOutcome(outcome, 'becoming root')
}

function rootBy({ user, become, becomeUser }: Host): string {
  if (become === 'none' || user === 'root') return "no need to become: the login is root's"
  return `by ${become}${becomeUser === undefined ? '' : `, as ${becomeUser}`}`
}

/** What of the kernel's and of the firewall's there is to work with; a host without tracking is none in trouble. */
function trackingCheck({ conntrack, firewall, system }: Facts): Check {
  const { count, max, tool } = conntrack
  const { tools } = firewall
  const table =
    count.known && max.known ? `${grouped(count.value)} of ${grouped(max.value)} entries` : count.known ? '' : count.why
  const there = tools.known
    ? [
        ...(tools.value.defaultBackend === null ? [] : [`iptables (${tools.value.defaultBackend})`]),
        ...(tools.value.native ? ['nft'] : []),
        ...(tool.known && tool.value ? ['conntrack'] : []),
      ]
    : [`which firewall programs it has is not known: ${tools.why}`]
  const os = system.os.known ? system.os.value.name : 'Linux'
  const lacks = tool.known && !tool.value
  const said = [os, table, there.length === 0 ? 'no firewall program' : there.join(', ')].filter((part) => part !== '')
  return {
    check: 'tracking',
    standing: lacks ? 'note' : 'ok',
    said: said.join('; '),
    next: lacks
      ? 'install conntrack there (conntrack-tools), or entries cannot be deleted and run out by themselves'
      : null,
  }
}

function ok(check: Step, said: string): Check {
  return { check, standing: 'ok', said, next: null }
}

function failed(check: Step, { message, next }: Fault): Check {
  return { check, standing: 'failed', said: message, next }
}
