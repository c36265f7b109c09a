import type { SshWay } from '../model/host.ts'
import { homePath } from './fresh-file.ts'
import { DEFAULT_IDENTITIES } from './identities.ts'
import { keyring } from './keyring.ts'
import { type Question, wantedBy } from './openssh-askpass.ts'
import type { NamedWay } from './openssh-config.ts'
import type { Stopped } from './openssh-faults.ts'
import { loginTrials, placeNameOf, type Trial } from './trials.ts'

/** What ssh is told where it asks for a secret in one login. */
export type Answers = {
  /** There may be something to tell; where there is not, ssh need not ask. */
  readonly canAnswer: boolean
  /** @param stop called where the login leads nowhere, and ssh must not go on by itself */
  hear(question: Question, stop: (why: Stopped) => void): Promise<void>
  readonly passwordTold: boolean
  /** What came of the login; a password that was told is judged by it. */
  end(verdict: 'accepted' | 'refused' | 'unsaid'): void
}

/**
 * A passphrase as often as its key file needs it; the password once, and to nothing that asks for something else. A way without
 * a host's name is one to a jump host.
 * @param letOthersGo called before a password waits for what other hosts say of it
 */
export function answering(way: NamedWay, jumps: readonly SshWay[], letOthersGo: () => void = () => {}): Answers {
  const password = keyring.loginPassword({ name: way.name ?? '' })
  const files = way.identityFiles.length > 0 ? way.identityFiles : DEFAULT_IDENTITIES
  const hasPassphrase = files.some((file) => keyring.passphrase(file) !== undefined)
  let trial: Trial | undefined
  let told = false
  let isOver = false
  return {
    canAnswer: password !== undefined || hasPassphrase,
    get passwordTold() {
      return told
    },
    async hear(question, stop) {
      const wanted = wantedBy(question.words)
      switch (wanted.type) {
        case 'passphrase': {
          // ssh names the usual files by their whole path.
          const isAsked = (file: string) => homePath(file) === wanted.keyFile
          const passphrase = keyring.passphrase(files.find(isAsked) ?? wanted.keyFile)
          return passphrase === undefined ? await question.decline() : await question.tell(passphrase)
        }
        case 'other':
          return stop({ type: 'question', words: question.words })
        case 'password': {
          // An answer of "no" would be sent as an empty password, and counted as one that is wrong.
          if (told) return stop({ type: 'password-refused' })
          if (password === undefined) return stop({ type: 'question', words: question.words })
          letOthersGo()
          const begun = await loginTrials.begin({ user: way.user, password }, placeNameOf({ ...way, jumps }))
          if ('stopped' in begun) return stop({ type: 'password-kept', why: begun.stopped })
          // ssh may have ended while this one waited for its turn.
          if (isOver) return begun.end('unsaid')
          trial = begun
          told = true
          return await question.tell(password)
        }
      }
    },
    end(verdict) {
      isOver = true
      trial?.end(verdict)
      trial = undefined
    },
  }
}
