import type { Errand, Stage } from './bootstrap.ts'
import type { Trial } from './trials.ts'

/** Where what is said over there goes in. */
export type Stdin = { readonly send: (bytes: Buffer) => void; readonly end: () => void }

/** A password and what keeps it from being tried too often. */
export type Secret = {
  readonly password: string
  readonly begin: () => Promise<Trial | { readonly stopped: string }>
}

/** What became of the password on the way: nobody asked; it was written; or the talk ended over it. */
export type PasswordFate =
  | 'nothing'
  | 'told'
  | 'not-taken'
  | 'not-known'
  | 'not-tried'
  | 'not-answered'
  | 'something-else'

/**
 * What is written to a script's stdin, and when. A password goes to nothing but a prompt for it, once: sudo's carries
 * our nonce. Those of su and doas cannot; there it is the last word before the shell at the top has said anything, on a
 * terminal without echo, and silence follows. Should it get past them all the same, it is a wrong beginning of what is
 * compared with its checksum before any of it runs.
 */
export type Talk = {
  readonly asked: PasswordFate
  opened(stdin: Stdin): void
  /** Stages in the order of stdout, and prompts. */
  heard(word: Stage | 'prompt'): void
  /** What was said last that is no line of ours, up to where it ends for now. */
  saw(tail: string): void
  /** @param words what was said last, where it ended on the way. */
  end(words: string): void
}

/** How long nothing comes after a prompt, in milliseconds; and after words that look like a question nobody expects. */
const PROMPT_PAUSE = 150
const QUESTION_PAUSE = 10_000
/** For whoever was told a password to say whether it takes it: PAM waits 2 s over a wrong one, a directory service for longer. */
const VERDICT_PAUSE = 20_000

/**
 * @param waiting called when the password's turn is waited for, and again once it has come: the script is not late then.
 * @param answered called when the password was written.
 * @param stuck called once if it leads nowhere: `asked` says why, or the words do.
 */
export function startTalk(
  { payload, climb }: Pick<Errand, 'payload' | 'climb'>,
  { secret, waiting, answered, stuck }: Told,
): Talk {
  const patient = isPatient(climb)
  let asked: PasswordFate = 'nothing'
  let over = false
  let prompted = false
  let stdin: Stdin | undefined
  let stage: Stage | undefined
  let trial: Trial | undefined
  let timer: NodeJS.Timeout | undefined
  let verdict: NodeJS.Timeout | undefined

  const sendPayload = () => {
    stdin?.send(payload)
    // A terminal has no end of file; the bytes are counted there.
    if (!climb.terminal) stdin?.end()
  }
  const stop = (why: PasswordFate, words?: string) => {
    asked = why
    stuck(words)
  }
  const answer = async () => {
    if (asked === 'told') return stop('not-taken')
    if (secret === undefined) return stop('not-known')
    asked = 'told'
    waiting(true)
    const begun = await secret.begin()
    waiting(false)
    if ('stopped' in begun) return over ? undefined : stop('not-tried', begun.stopped)
    if (over) return begun.end('unsaid')
    trial = begun
    stdin?.send(Buffer.from(`${secret.password}\n`))
    verdict = setTimeout(() => stop('not-answered'), VERDICT_PAUSE)
    answered()
  }
  return {
    get asked() {
      return asked
    },
    opened(opened) {
      stdin = opened
      if (!patient) sendPayload()
    },
    heard(word) {
      clearTimeout(timer)
      clearTimeout(verdict)
      if (!patient || over) return
      // A prompt comes on stderr, and may be here before stdout has told that sudo was called; after the shell at the
      // top has begun nothing is one.
      if (word === 'prompt') prompted = true
      else {
        if (isBecoming(stage)) trial?.end('accepted')
        stage = word
      }
      if (stage === 'sudo' && prompted) {
        prompted = false
        void answer()
      }
      if (word === 'send') sendPayload()
    },
    saw(tail) {
      clearTimeout(timer)
      if (!patient || over || !isBecoming(stage) || tail.trim() === '' || tail.endsWith('\n')) return
      const prompts = stage !== 'sudo' && /password[^\n]*: ?$/i.test(tail)
      const act = prompts ? () => void answer() : () => stop('something-else')
      timer = setTimeout(act, prompts ? PROMPT_PAUSE : QUESTION_PAUSE)
    },
    end(words) {
      over = true
      clearTimeout(timer)
      clearTimeout(verdict)
      if (isBecoming(stage) && asked === 'told' && NOT_TAKEN.test(words)) asked = 'not-taken'
      trial?.end(asked === 'not-taken' ? 'refused' : 'unsaid')
    },
  }
}

type Told = {
  readonly secret: Secret | undefined
  readonly waiting: (isWaiting: boolean) => void
  readonly answered: () => void
  readonly stuck: (words?: string) => void
}

/** sudo, doas and su, in the C locale. Whoever is not in sudoers hears so after a good password too, and in other words. */
const NOT_TAKEN = /incorrect password|authentication fail/i

function isPatient({ password, terminal }: Errand['climb']): boolean {
  return password || terminal
}

function isBecoming(stage: Stage | undefined): boolean {
  return stage === 'sudo' || stage === 'doas' || stage === 'su'
}
