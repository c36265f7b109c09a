import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Case, type CaseResult, mill } from './mill.ts'
import { makeWorld, sweepWorlds, type World } from './world.ts'

/**
 * Sends cases through so many worlds side by side: most of the time is waiting for packets that never come.
 * @param onResult is told each as it ends; false: no more are begun.
 */
export async function millAll(
  cases: Iterable<Case>,
  width: number,
  onResult: (given: Case, result: CaseResult) => boolean,
): Promise<void> {
  await sweepWorlds()
  const queue = cases[Symbol.iterator]()
  let goOn = true
  const lane = async (number: number) => {
    await using world = await makeWorld(number)
    for (let next = queue.next(); goOn && next.done !== true; next = queue.next()) {
      goOn = onResult(next.value, await judged(world, next.value)) && goOn
    }
  }
  await Promise.all(Array.from({ length: width }, (_, number) => lane(number)))
}

async function judged(world: World, given: Case): Promise<CaseResult> {
  try {
    return await mill(world, given)
  } catch (error) {
    throw new Error(`${given.name}: ${error instanceof Error ? error.stack : String(error)}\n${given.rerun}`, {
      cause: error,
    })
  }
}

/** Why no packets can be sent here, or null. */
export function whatIsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  const tools = [
    'ip',
    'nft',
    'conntrack',
    ...BACKENDS.flatMap((each) => [`iptables-${each}-restore`, `ip6tables-${each}-restore`]),
  ]
  const lacking = tools.find(
    (tool) => !['/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((at) => existsSync(`${at}/${tool}`)),
  )
  if (lacking !== undefined) return `no ${lacking}`
  const probe = `ctmill-${process.pid}-0-h`
  const works =
    tried('ip', 'netns', 'add', probe) &&
    BACKENDS.every((each) => tried('ip', 'netns', 'exec', probe, `iptables-${each}`, '-t', 'raw', '-L', '-n'))
  tried('ip', 'netns', 'del', probe)
  return works ? null : 'no network namespaces with a raw table here'
}

const BACKENDS = ['legacy', 'nft'] as const

function tried(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
