import { askHidden } from './ask.ts'
import { BrokenOff } from './broken-off.ts'
import { complainAbout } from './checks.ts'

/** Somebody can be asked: what is typed comes from a terminal, and the question can be seen. */
export function canAskHere(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/**
 * Asks for what nobody may see, on stderr; what is typed is not shown.
 * @param instead the option that gives it without a terminal
 * @throws InputError where nobody can be asked, BrokenOff at Ctrl-C
 */
export async function askSecret(option: string, instead: string, question: string): Promise<string> {
  if (!canAskHere()) {
    throw complainAbout(option, 'there is no terminal to ask in', `run this in a terminal, or give ${instead} SOURCE`)
  }
  const answer = await askHidden(question)
  if (answer === 'interrupted') throw new BrokenOff('nothing was begun')
  return answer.secret
}
