import type { Host, SshWay } from '../model/host.ts'
import type { Offer } from './identities.ts'
import type { AnyAuthMethod } from './ssh2.ts'
import { placeNameOf, type Trial, type Trials } from './trials.ts'

/** What is at hand to log in with. */
export type Proofs = { readonly keys: readonly Offer[]; readonly password: string | undefined; readonly trials: Trials }

/** What offering hears and says while it goes on. */
export type Course = {
  /** A password waits for what other hosts say of it: this host is not to blame for the time. */
  readonly onWait: () => void
  readonly onGo: () => void
  /** There is a question that cannot be answered, so this login leads nowhere. */
  readonly onDeadEnd: () => void
}

/** How far a login has come. */
export type Offering = {
  readonly begun: boolean
  /** Nothing is left to offer. */
  readonly over: boolean
  readonly offered: readonly string[]
  /** What the server said that it takes. */
  readonly accepted: readonly string[]
  /** It took one proof and wants another. */
  readonly halfway: boolean
  readonly password: 'kept' | 'sent' | 'refused' | 'taken'
  /** Why the password was not tried. */
  readonly stopped: string | null
  /** What the server asked that is no password. */
  readonly question: string | null
  readonly next: (
    accepted: readonly string[] | null,
    partial: boolean | null,
    answer: (method: AnyAuthMethod | false) => void,
  ) => AnyAuthMethod | false | undefined
  /** The server asks for something that we do not have. */
  readonly ask: (question: string) => void
  /** What came of it in the end, as far as it was said. */
  readonly end: (verdict: 'accepted' | 'refused' | 'unsaid') => void
}

/** As ssh(1) has it. */
const ORDER: readonly string[] = ['publickey', 'keyboard-interactive', 'password']
/** Keys that are shown where a password is at hand too: by default sshd hangs up after six tries of any kind. */
const KEYS_BESIDE_PASSWORD = 4

/**
 * Offers one key after the other, then the password, by one way or the other but once. With no key at hand it asks first
 * what would be taken.
 */
export function offering(
  way: SshWay & Pick<Host, 'jumps'>,
  { keys, password, trials }: Proofs,
  course: Course,
): Offering {
  const { user: username } = way
  const order = way.preferredAuthentications ?? ORDER
  const usable = keys.flatMap((key) => ('method' in key ? [key] : []))
  const left = order.includes('publickey')
    ? usable.slice(0, password === undefined ? undefined : KEYS_BESIDE_PASSWORD)
    : []
  const state = {
    begun: false,
    over: false,
    offered: [] as string[],
    accepted: [] as readonly string[],
    halfway: false,
    password: 'kept' as Offering['password'],
    stopped: null as string | null,
    question: null as string | null,
  }
  let last: Step | undefined
  let trial: Trial | undefined
  let ended = false
  /** The question that the password went to. */
  let answered: string | undefined
  /** What the server takes now; null where it has not said. */
  let takes: readonly string[] | null = null
  /** The key that was shown before the server had said what it takes. */
  let early: Usable | undefined

  const begin = async (): Promise<boolean> => {
    course.onWait()
    const begun = await trials.begin({ user: username, password: password ?? '' }, placeNameOf(way))
    if ('stopped' in begun) state.stopped = begun.stopped
    else if (ended) begun.end('unsaid')
    else trial = begun
    course.onGo()
    return trial !== undefined
  }
  const tell: Offering['end'] = (verdict) => {
    if (state.password === 'sent' && verdict !== 'unsaid') state.password = verdict === 'accepted' ? 'taken' : 'refused'
    trial?.end(verdict)
    trial = undefined
  }
  const end: Offering['end'] = (verdict) => {
    ended = true
    tell(verdict)
  }
  const hear = (accepted: readonly string[] | null, partial: boolean) => {
    if (last?.type === 'agent') {
      // ssh2 shows other keys of the agent by itself, and tells us what the server said before them.
      if (last.held?.signed === true) {
        state.halfway = true
        takes = null
        early = undefined
      }
      return
    }
    if (accepted !== null) takes = state.accepted = accepted
    if (partial) state.halfway = true
    if (state.password === 'sent') tell(partial ? 'accepted' : 'refused')
    if (takes === null) return
    // It was no key's turn yet.
    if (early !== undefined && !partial && !takes.includes('publickey')) left.unshift(early)
    early = undefined
  }
  const ask = (question: string) => {
    state.question = question
    course.onDeadEnd()
  }
  const prompt: Prompt = (_name, _instructions, _language, prompts, finish) => {
    const [only] = prompts
    if (only === undefined) return finish([])
    const words = prompts.map((each) => each.prompt).join(' ')
    if (words === answered) {
      // Asked once more: that was not it.
      tell('refused')
      return course.onDeadEnd()
    }
    if (prompts.length > 1 || only.echo === true || answered !== undefined || ASKS_FOR_A_CODE.test(words)) {
      return ask(words)
    }
    answered = words
    void begin().then((may) => {
      if (ended) return
      if (!may) return course.onDeadEnd()
      state.password = 'sent'
      finish([password ?? ''])
    })
  }
  const step = (): Step | null => {
    if (takes === null && last !== undefined) return { type: 'none' }
    for (const method of order) {
      if (takes !== null && !takes.includes(method)) continue
      const key = method === 'publickey' ? left.shift() : undefined
      if (key !== undefined)
        return key.held === undefined ? { type: 'publickey', key } : { type: 'agent', key, held: key.held }
      // A server that has not said what it takes is not sent a password.
      if (takes === null || password === undefined || state.password !== 'kept' || state.stopped !== null) continue
      if (method === 'keyboard-interactive' && answered === undefined && last?.type !== method) return { type: method }
      if (method === 'password') return { type: method }
    }
    return takes === null && last === undefined ? { type: 'none' } : null
  }
  const methodOf = (next: Step): AnyAuthMethod => {
    if (next.held !== undefined) next.held.signed = false
    switch (next.type) {
      case 'none':
        return { type: 'none', username }
      case 'keyboard-interactive':
        return { type: 'keyboard-interactive', username, prompt }
      case 'password':
        return { type: 'password', username, password: password ?? '' }
      case 'publickey':
      case 'agent':
        return next.key.method
    }
  }
  const over = (): false => {
    state.over = true
    return false
  }
  const next: Offering['next'] = (accepted, partial, answer) => {
    state.begun = true
    hear(accepted, partial === true)
    const chosen = last?.type === 'none' && takes === null ? null : step()
    last = chosen ?? undefined
    if (chosen === null) return over()
    if ('key' in chosen) {
      state.offered.push(chosen.key.name)
      if (takes === null) early = chosen.key
    }
    if (chosen.type !== 'password') return methodOf(chosen)
    void begin().then((may) => {
      if (ended) return
      if (may) state.password = 'sent'
      if (may) answer(methodOf(chosen))
      else answer(next(null, false, answer) ?? false)
    })
    return undefined
  }
  return Object.assign(state, { next, ask, end })
}

type Usable = Extract<Offer, { readonly method: AnyAuthMethod }>
type Step =
  | { readonly type: 'none' | 'keyboard-interactive' | 'password'; readonly held?: undefined }
  | { readonly type: 'publickey'; readonly key: Usable; readonly held?: undefined }
  | { readonly type: 'agent'; readonly key: Usable; readonly held: NonNullable<Usable['held']> }

type Prompt = (
  name: string,
  instructions: string,
  language: string,
  prompts: readonly { readonly prompt: string; readonly echo?: boolean }[],
  finish: (answers: string[]) => void,
) => void

/** Questions without echo that no password answers; whatever else has no echo is taken for one that wants the password. */
const ASKS_FOR_A_CODE = /\b(?:verification|one[- ]?time|otp|oath|token|passcode|duo|pin|new password|retype)\b/i
