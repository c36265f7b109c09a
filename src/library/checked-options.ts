import { inspect } from 'node:util'
import { InputError } from '../input/complaint.ts'
import type { Share } from '../run/waves.ts'

/** As programs without types may give them. */
type Given = {
  readonly approve?: unknown
  readonly waves?: readonly Share[] | undefined
  readonly maxFail?: Share | undefined
  readonly pauseSeconds?: number | undefined
  readonly changing?: number | undefined
  readonly confirmWithinSeconds?: number | undefined
}

/**
 * What types would have caught is told before anybody is contacted: not every program has them.
 * @throws InputError with every mistake
 */
export function checkOptions({ approve, waves = [], maxFail, ...numbers }: Given): void {
  const { pauseSeconds = 0, changing = 1, confirmWithinSeconds = 10 } = numbers
  const wrong = [
    ...(typeof approve === 'function'
      ? []
      : [mistake('approve', `expected a function, found ${shown(approve)}`, "async (plan) => 'yes', or 'no'")]),
    ...(Array.isArray(waves) ? waves : [waves]).flatMap((share, at) => shareMistakes(`waves[${at}]`, share)),
    ...(maxFail === undefined ? [] : shareMistakes('maxFail', maxFail)),
    ...(isNumber(pauseSeconds, 0) ? [] : [mistake('pauseSeconds', `found ${shown(pauseSeconds)}`, '0 or more')]),
    ...(Number.isInteger(changing) && changing > 0
      ? []
      : [mistake('changing', `found ${shown(changing)}`, 'a whole number of hosts, 1 or more')]),
    ...(isNumber(confirmWithinSeconds, 0)
      ? []
      : [mistake('confirmWithinSeconds', `found ${shown(confirmWithinSeconds)}`, 'a number of seconds')]),
  ]
  if (wrong.length > 0) throw new InputError(wrong)
}

function shareMistakes(name: string, share: unknown) {
  const { hosts, percent } = (share ?? {}) as { readonly hosts?: unknown; readonly percent?: unknown }
  const isOne = (hosts === undefined) !== (percent === undefined)
  const isRight = isOne && (hosts === undefined ? isNumber(percent, 0) && Number(percent) <= 100 : isCount(hosts))
  return isRight
    ? []
    : [mistake(name, `expected a share of the hosts, found ${shown(share)}`, '{ hosts: 1 } or { percent: 10 }')]
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0
}

function isNumber(value: unknown, least: number): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= least
}

/** Short, whatever it is. */
function shown(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, 60)
}

function mistake(file: string, message: string, hint: string) {
  return { file, line: null, column: null, path: '', message, hint }
}
