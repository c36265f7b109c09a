import { DEFAULT_THRESHOLDS } from '../diagnosis/thresholds.ts'
import { loadPlaybooks } from '../playbook/load.ts'
import type { Wish } from '../run/plan-host.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import { portsFrom, wholeNumberFrom } from './arguments.ts'
import { checkAll } from './checks.ts'

/** What is wanted of the hosts, as it was typed. */
export type WishWords = {
  readonly strategy: string | undefined
  readonly ports: string | undefined
  readonly nearFull: string | undefined
}

/** @throws InputError with every mistake, those in playbooks among them. */
export async function wishFrom({ strategy, ports, nearFull }: WishWords): Promise<Wish> {
  const checked = await checkAll({
    loaded: () => loadPlaybooks(strategy ?? 'auto', STEP_KINDS),
    ports: () => (ports === undefined ? null : portsFrom(ports)),
    usage: () =>
      nearFull === undefined
        ? DEFAULT_THRESHOLDS.usage
        : wholeNumberFrom('--near-full', nearFull.replace(/\s*%$/, ''), { least: 1, most: 100 }) / 100,
  })
  const { playbooks, wanted } = checked.loaded
  return {
    strategy: wanted,
    playbooks,
    ports: checked.ports,
    thresholds: { ...DEFAULT_THRESHOLDS, usage: checked.usage },
  }
}

/** Those that a saved plan leaves no room for. */
export function wishOptionsIn({ strategy, ports, nearFull }: WishWords): readonly string[] {
  const given = { '--strategy': strategy, '--ports': ports, '--near-full': nearFull }
  return Object.entries(given).flatMap(([option, value]) => (value === undefined ? [] : [option]))
}
