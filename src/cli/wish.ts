import { DEFAULT_THRESHOLDS } from '../diagnosis/thresholds.ts'
import { loadPlaybooks } from '../playbook/load.ts'
import type { Wish } from '../run/plan-host.ts'
import { whereFrom } from '../run/where.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import type { Service } from '../strategies/notrack-analysis.ts'
import { portsFrom, secondsFrom, wholeNumberFrom } from './arguments.ts'
import { checkAll } from './checks.ts'

/** What is wanted of the hosts, as it was typed. */
export type WishWords = {
  readonly strategy: string | undefined
  readonly ports: string | undefined
  readonly nearFull: string | undefined
  readonly loggedWithin: string | undefined
  readonly where?: string | undefined
}

/** @throws InputError with every mistake, those in playbooks among them. */
export async function wishFrom({ strategy, ports, nearFull, loggedWithin, where }: WishWords): Promise<Wish> {
  const checked = await checkAll({
    loaded: () => loadPlaybooks(strategy ?? 'auto', STEP_KINDS),
    local: () => portsOf(ports, false),
    forwarded: () => portsOf(ports, true),
    usage: () =>
      nearFull === undefined
        ? DEFAULT_THRESHOLDS.usage
        : wholeNumberFrom('--near-full', nearFull.replace(/\s*%$/, ''), { least: 1, most: 100 }) / 100,
    logAgeSeconds: () =>
      loggedWithin === undefined
        ? DEFAULT_THRESHOLDS.logAgeSeconds
        : secondsFrom('--logged-within', loggedWithin, { least: 60, most: 2_592_000 }),
    where: () => whereFrom(where),
  })
  const { playbooks, wanted } = checked.loaded
  return {
    strategy: wanted,
    playbooks,
    ports: ports === undefined ? null : [...checked.local, ...checked.forwarded],
    thresholds: { ...DEFAULT_THRESHOLDS, usage: checked.usage, logAgeSeconds: checked.logAgeSeconds },
    where: checked.where,
  }
}

const FORWARDED = /@forward\s*$/i

/** `443/tcp@forward` stands for flows that the host forwards to that port of others, `443/tcp` for those to its own. */
function portsOf(text: string | undefined, forwarded: boolean): readonly Service[] {
  const parts = text === undefined ? [] : text.split(',').filter((part) => FORWARDED.test(part) === forwarded)
  if (parts.length === 0) return []
  const ports = portsFrom(parts.map((part) => part.replace(FORWARDED, '')).join(','))
  return forwarded ? ports.map((port) => ({ ...port, forwarded })) : ports
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
  where,
}: WishWords): readonly (readonly [string, string])[] {
  const options = {
    '--strategy': strategy,
    '--ports': ports,
    '--near-full': nearFull,
    '--logged-within': loggedWithin,
    '--where': where,
  }
  return Object.entries(options).flatMap(([option, value]) => (value === undefined ? [] : [[option, value] as const]))
}
