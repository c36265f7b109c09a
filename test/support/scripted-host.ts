import { vi } from 'vitest'
import { ASK, DECIDE, FOLLOW_ON, FORGET } from '../../src/journal/conversation.ts'
import type { Fault } from '../../src/model/fault.ts'
import type { Host } from '../../src/model/host.ts'
import type { Plan } from '../../src/model/plan.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { local } from '../../src/transport/local.ts'
import { aPlan } from './a-plan.ts'

/** What a host may be asked: one of the scripts that stay the same, or the launch of a change, or to read changes back. */
export type Asked = 'ask' | 'decide' | 'follow' | 'forget' | 'launch' | 'list' | 'read'

/** Lines and an exit code, or a link that is cut after some lines. */
export type Said = { readonly lines?: readonly string[]; readonly code?: number } | { readonly lost: readonly string[] }

/** One change of net.core.somaxconn from 1 to 2 on this machine itself, which no test of it ever reaches. */
export function scriptedPlanFor(name: string): Plan {
  const { id: _, host, ...rest } = aPlan
  return sealPlan({ ...rest, host: { ...host, name, address: '127.0.0.1', transport: 'local' } })
}
export const scriptedPlan = scriptedPlanFor('web-9')

/**
 * In the place of this machine's own shell: answers each question as it is told to, and ends what it is asked as soon as the
 * session is over. `logIn` may keep a session from being had. To be restored by `vi.restoreAllMocks`.
 * @returns what it was asked, in order: the question and its words; and whose sessions were closed
 */
export function scriptedHost(
  answer: (asked: Asked, words: readonly string[]) => Said | Promise<Said>,
  logIn: () => Fault | null = () => null,
): { readonly asked: (readonly [Asked, readonly string[]])[]; readonly closed: string[] } {
  const closed: string[] = []
  const asked: (readonly [Asked, readonly string[]])[] = []
  vi.spyOn(local, 'open').mockImplementation(async (host: Host, signal: AbortSignal) => {
    const refused = signal.aborted
      ? ({ code: 'cancelled', message: 'cancelled from here', next: 'again' } as const)
      : logIn()
    if (refused !== null) return { refused }
    return {
      host,
      async run(script, { arguments: words = [], onLine = () => {} }) {
        const what = questionOf(script.text)
        asked.push([what, words])
        const told = signal.aborted ? { lost: [] } : await answer(what, words)
        const said = signal.aborted ? { lost: [] } : told
        const lines = 'lost' in said ? said.lost : (said.lines ?? [])
        for (const line of lines) onLine(line)
        if ('lost' in said) return { type: 'lost', why: 'it was cut' }
        const stdout = lines.map((line) => `${line}\n`).join('')
        return { type: 'exited', code: said.code ?? 0, stdout, stderr: '', truncated: false }
      },
      async [Symbol.asyncDispose]() {
        closed.push(host.name)
      },
    }
  })
  return { asked, closed }
}

/** How it answers to `read`, while the setting has this value. */
export function readingOf(value: string, [nonce = '']: readonly string[]): Said {
  const name = JSON.stringify('change-1')
  return {
    lines: [`${nonce} begin ${name} own`, `/proc/sys/net/core/somaxconn ${value}`, '', `${nonce} end ${name} 0`],
  }
}

function questionOf(text: string): Asked {
  if (text === ASK.text) return 'ask'
  if (text === DECIDE.text) return 'decide'
  if (text === FOLLOW_ON.text) return 'follow'
  if (text === FORGET.text) return 'forget'
  if (text.includes('# transaction %s')) return 'list'
  return text.includes('transaction.new') ? 'launch' : 'read'
}
