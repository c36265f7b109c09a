import type { Terminal } from './terminal.ts'

/** Two who share a terminal: a person who is asked, and work that goes on meanwhile. */
export type BesideQuestions = {
  /** For the work: what it says waits until the next question, and nothing of it is drawn, until all are answered. */
  readonly work: Terminal
  /** For the questions: advice on leaving stays that of the work, once it has begun. */
  readonly questions: Terminal
  /** Says what has waited; to be called when no question stands open. */
  readonly catchUp: () => void
  /** No question comes any more: from here on the work has the terminal. */
  readonly end: () => void
}

/** A question is drawn by whoever asks it; a line that falls into it would garble both. */
export function besideQuestions(terminal: Terminal): BesideQuestions {
  let isAsking = true
  let hasBegun = false
  let waiting: string[] = []
  const catchUp = () => {
    if (waiting.length > 0) terminal.say(waiting)
    waiting = []
  }
  const on = (
    more: Pick<Terminal, 'say' | 'stand' | 'interruption'> & { readonly isLive: () => boolean },
  ): Terminal => ({
    ...terminal,
    ...more,
    // A window may be made wider or narrower meanwhile.
    get notices() {
      return terminal.notices
    },
    get isLive() {
      return more.isLive()
    },
  })
  return {
    work: on({
      say: (lines) => {
        if (isAsking) waiting.push(...lines)
        else terminal.say(lines)
      },
      stand: (lines) => {
        if (!isAsking) terminal.stand(lines)
      },
      isLive: () => terminal.isLive && !isAsking,
      interruption: {
        ...terminal.interruption,
        adviseOnLeaving: (advice) => {
          hasBegun = true
          terminal.interruption.adviseOnLeaving(advice)
        },
      },
    }),
    questions: on({
      say: terminal.say,
      stand: terminal.stand,
      isLive: () => terminal.isLive,
      interruption: {
        ...terminal.interruption,
        adviseOnLeaving: (advice) => {
          if (!hasBegun) terminal.interruption.adviseOnLeaving(advice)
        },
      },
    }),
    catchUp,
    end: () => {
      catchUp()
      isAsking = false
    },
  }
}
