import { checkAgainst, z } from '../input/schema.ts'
import { pathText } from '../input/yaml-tree.ts'
import { firstTwice } from '../model/first-twice.ts'
import type { FactsResult } from '../model/result.ts'
import { factsSchema } from './document/facts.ts'
import { faultSchema } from './document/fault.ts'

/** What `facts --format json` prints: `version` is raised when a program that reads it would have to change. */
export type FactsDocument = {
  readonly version: typeof FACTS_VERSION
  /** RFC 3339, UTC; null in a document of before it was written down. */
  readonly takenAt: string | null
  /** Which ctfleet took them. */
  readonly tool: string | null
  readonly hosts: readonly RecordedHost[]
}

export type RecordedHost = FactsResult & { readonly groups: readonly string[] }

export const FACTS_VERSION = 1

export type Problem = { readonly path: string; readonly message: string; readonly hint: string }

/** Reads recorded facts back; whatever the text is, the answer is facts of the right shape or what is wrong and what to do. */
export function readFactsDocument(text: string): FactsDocument | { readonly problem: Problem } {
  if (text.trim() === '') return problem('is empty', AGAIN)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return problem('is not JSON, or not all of it', AGAIN)
  }
  const other = knownOther(value)
  if (other !== null) return other
  const checked = checkAgainst(documentSchema, value)
  if (!checked.ok) {
    const [first, ...more] = checked.complaints
    const found = first === undefined ? 'is not understood' : first.message
    const andMore = more.length === 0 ? '' : ` (and ${more.length} more like this)`
    return problem(`${found}${andMore}`, AGAIN, pathText(first?.path ?? []))
  }
  const { version, takenAt = null, tool = null, hosts } = checked.value
  const names = hosts.map(({ host }) => host)
  const twice = firstTwice(names)
  if (twice !== undefined) return problem(`names ${JSON.stringify(twice)} twice`, 'keep one of the two', 'hosts')
  return { version, takenAt, tool, hosts: hosts.map((host) => ({ ...host, groups: host.groups ?? [] })) }
}

const AGAIN = 'record facts again: ctfleet facts --format json > facts.json'

/** Other documents of ours, told apart so that the next step is the right one. */
function knownOther(value: unknown): { readonly problem: Problem } | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problem('is JSON, but not what ctfleet facts prints', AGAIN)
  }
  if ('createdAt' in value || 'id' in value) {
    return problem('is a saved plan, not facts', `ctfleet show reads it; for facts, ${AGAIN}`)
  }
  if ('runs' in value) return problem('is what ctfleet runs printed, not facts', AGAIN)
  const hosts = 'hosts' in value && Array.isArray(value.hosts) ? value.hosts : null
  if (hosts === null) return problem('is JSON, but not what ctfleet facts prints', AGAIN)
  const isJudged = (host: unknown) =>
    typeof host === 'object' && host !== null && ('considered' in host || 'strategies' in host)
  if (hosts.some(isJudged)) return problem('is what ctfleet made of facts, not the facts themselves', AGAIN)
  const version: unknown = 'version' in value ? value.version : undefined
  if (version === FACTS_VERSION) return null
  const said = version === undefined ? 'of no version' : `of version ${JSON.stringify(version)?.slice(0, 40)}`
  return problem(`holds facts ${said}, and this ctfleet reads version ${FACTS_VERSION}`, AGAIN, 'version')
}

function problem(message: string, hint: string, path = ''): { readonly problem: Problem } {
  return { problem: { path, message, hint } }
}

const word = z.string().max(1000)
const host = { host: word, groups: z.array(word).max(1000).optional() }

/** Of what facts prints with `--format json`, and of what `--facts` takes: members may be added without a new `version`. */
export function factsJsonSchema(): object {
  return { ...z.toJSONSchema(documentSchema, { io: 'input', unrepresentable: 'any' }), title: 'ctfleet facts' }
}

const documentSchema = z.object({
  version: z.literal(FACTS_VERSION),
  takenAt: z.iso.datetime().optional(),
  tool: word.optional(),
  hosts: z
    .array(
      z.union([
        z.object({ ...host, status: z.literal('read'), facts: factsSchema, notRoot: faultSchema.optional() }),
        z.object({ ...host, status: z.enum(['unreachable', 'failed']), fault: faultSchema }),
        z.object({ ...host, status: z.literal('not-reached'), why: word }),
      ]),
    )
    .min(1)
    .max(100_000),
})
