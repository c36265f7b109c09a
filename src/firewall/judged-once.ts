import { sha256 } from '../shell/script.ts'
import { dropsMidStream } from './mid-stream.ts'
import { type NotrackPatch, notrackPatch } from './notrack.ts'
import type { Service } from './packet.ts'
import type { Family, LiveRules } from './rules.ts'

type PatchedHost = Parameters<typeof notrackPatch>[2]

const patches = remembering<NotrackPatch>()
const drops = remembering<string | null>()

/** `notrackPatch`, which takes tens of milliseconds, worked out once for all hosts that it must answer alike. */
export function notrackPatchOnce(
  live: readonly LiveRules[],
  services: readonly Service[],
  host: Omit<PatchedHost, 'work' | 'budget'>,
): NotrackPatch {
  return patches([live, services, whatCounts(live, host)], () => notrackPatch(live, services, host))
}

/** `dropsMidStream` in the same way. */
export function dropsMidStreamOnce(
  live: readonly LiveRules[],
  service: Service,
  on: { readonly family: Family; readonly budget: number },
): string | null {
  return drops([live, service, on], () => dropsMidStream(live, service, on))
}

/** All of the host that the verdict may rest on. Its own addresses are asked for only where rules translate addresses, of its modules only helpers. */
function whatCounts(live: readonly LiveRules[], host: PatchedHost) {
  const { families, forwards, backend, helperModules, oldTarget, addresses } = host
  return {
    ...{ families, forwards, backend, oldTarget },
    addresses: addresses === undefined || live.some(mayTranslate) ? addresses : [],
    helperModules: helperModules?.filter((name) => /^(nf|ip)_conntrack_/.test(name)),
  }
}

function mayTranslate({ rules }: LiveRules): boolean {
  return rules.tables.some(
    ({ name, chains }) => name === 'nat' || chains.some(({ hook }) => hook !== undefined && hook.type !== 'filter'),
  )
}

/** Hosts of one role have the same rules, and a fleet is made of few roles; more are judged one by one. */
const MOST = 64

/** Answers by all that they rest on, which is what JSON can hold; the longest unused goes first. */
function remembering<Answer>(): (restsOn: readonly unknown[], work: () => Answer) => Answer {
  const answers = new Map<string, Answer>()
  return (restsOn, work) => {
    const key = sha256(JSON.stringify(restsOn))
    const answer = answers.has(key) ? (answers.get(key) as Answer) : work()
    answers.delete(key)
    answers.set(key, answer)
    const [oldest] = answers.keys()
    if (answers.size > MOST && oldest !== undefined) answers.delete(oldest)
    return answer
  }
}
