import { DEFAULT_THRESHOLDS } from '../diagnosis/thresholds.ts'
import { loadPlaybooks } from '../playbook/load.ts'
import type { Wish } from '../run/plan-host.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import { portsFrom, secondsFrom, wholeNumberFrom } from './arguments.ts'
import { checkAll } from './checks.ts'

/** What is wanted of the hosts, as it was typed. */
export type WishWords = {
  readonly strategy: string | undefined
  readonly ports: string | undefined
  readonly nearFull: string | undefined
  readonly loggedWithin: string | undefined
}

/** @throws InputError with every mistake, those in playbooks among them. */
export async function wishFrom({ strategy, ports, nearFull, loggedWithin }: WishWords): Promise<Wish> {
  const checked = await checkAll({
    loaded: () => loadPlaybooks(strategy ?? 'auto', STEP_KINDS),
    ports: () => (ports === undefined ? null : portsFrom(ports)),
    usage: () =>
      nearFull === undefined
        ? DEFAULT_THRESHOLDS.usage
        : wholeNumberFrom('--near-full', nearFull.replace(/\s*%$/, ''), { least: 1, most: 100 }) / 100,
    logAgeSeconds: () =>
      loggedWithin === undefined
        ? DEFAULT_THRESHOLDS.logAgeSeconds
        : secondsFrom('--logged-within', loggedWithin, { least: 60, most: 2_592_000 }),
  })
  const { playbooks, wanted } = checked.loaded
  return {
    strategy: wanted,
    playbooks,
    ports: checked.ports,
    thresholds: { ...DEFAULT_THRESHOLDS, usage: checked.usage, logAgeSeconds: checked.logAgeSeconds },
  }
}

/** Those that a saved plan leaves no room for. */
export function wishOptionsIn(words: WishWords): readonly string[] {
  return wishWords(words).map(([option]) => option)
}

/** The options as they would be typed again. */
export function wishWords({
  strategy,
  ports,
  nearFull,
  loggedWithin,
}: WishWords): readonly (readonly [string, string])[] {
  const options = {
    '--strategy': strategy,
    '--ports': ports,
    '--near-full': nearFull,
    '--logged-within': loggedWithin,
  }
  return Object.entries(options).flatMap(([option, value]) => (value === undefined ? [] : [[option, value] as const]))
}
