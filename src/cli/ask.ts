import inquirer from 'inquirer'

export type Answer = 'yes' | 'no' | 'skip' | 'show' | 'rest' | 'quit'

const CHOICES = [
  { key: 'y', name: 'yes: make this change', value: 'yes' },
  { key: 'n', name: 'no: not on this host', value: 'no' },
  { key: 's', name: 'skip: not now', value: 'skip' },
  { key: 'f', name: 'full: show this host in full, then ask again', value: 'show' },
  { key: 'a', name: 'all: yes to this and all that follow', value: 'rest' },
  { key: 'q', name: 'quit: skip this and all that follow, go on with those that have a yes', value: 'quit' },
] as const

/** Asks on stderr, so that stdout stays a report. Ctrl-C at a question is `interrupted`: nothing was begun. */
export async function askPerson(message: string): Promise<Answer | 'interrupted'> {
  const prompt = inquirer.createPromptModule({ input: process.stdin, output: process.stderr })
  try {
    const { answer } = await prompt<{ answer: Answer }>([
      { type: 'expand', name: 'answer', message, choices: CHOICES, default: 'h' },
    ])
    return answer
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError'))
      return 'interrupted'
    throw error
  }
}
