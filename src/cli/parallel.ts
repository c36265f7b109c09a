import { wholeNumberFrom } from './arguments.ts'

/** Hosts at a time, unless `--forks` says otherwise: changes go to few at once, so that a bad one is seen early. */
export const READING = 100
export const CHANGING = 10

export function forksFrom(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : wholeNumberFrom('--forks', text, { least: 1, most: 5000 })
}
