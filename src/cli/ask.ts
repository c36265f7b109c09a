import inquirer from 'inquirer'

export type Answer = 'yes' | 'no' | 'skip' | 'show' | 'rest' | 'quit'

const CHOICES = [
  { key: 'y', name: 'yes: do this', value: 'yes' },
  { key: 'n', name: 'no: not on this host', value: 'no' },
  { key: 's', name: 'skip: not now', value: 'skip' },
  { key: 'f', name: 'full: show this host in full, then ask again', value: 'show' },
  { key: 'a', name: 'all: yes to this and all that follow', value: 'rest' },
  { key: 'q', name: 'quit: skip this and all that follow, go on with those that have a yes', value: 'quit' },
] as const

/** Asks on stderr, so that stdout stays a report. Ctrl-C at a question is `interrupted`: nothing was begun. */
export async function askPerson(message: string): Promise<Answer | 'interrupted'> {
  return await unlessInterrupted(async () => {
    const { answer } = await prompter()<{ answer: Answer }>([
      { type: 'expand', name: 'answer', message, choices: CHOICES, default: 'h' },
    ])
    return answer
  })
}

/** A question of its own, whose answer is no unless somebody types a yes. */
export async function askToAccept(message: string): Promise<boolean | 'interrupted'> {
  return await unlessInterrupted(async () => {
    const { accepted } = await prompter()<{ accepted: boolean }>([
      { type: 'confirm', name: 'accepted', message, default: false },
    ])
    return accepted
  })
}

function prompter() {
  return inquirer.createPromptModule({ input: process.stdin, output: process.stderr })
}

async function unlessInterrupted<T>(ask: () => Promise<T>): Promise<T | 'interrupted'> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError'))
      return 'interrupted'
    throw error
  }
}
