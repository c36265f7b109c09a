import type { LiveRules } from '../firewall/rules.ts'
import type { Facts } from '../model/facts.ts'
import { nftHolders } from './nft-holders.ts'

/** What is surely in the way, and what cannot be told; clauses for a person. */
export type Obstacles = { readonly blockers: readonly string[]; readonly doubts: readonly string[] }

export const NONE: Obstacles = { blockers: [], doubts: [] }

/** Why the modules stay; `tracks`: what holds them may track by itself, or want tracking's hooks. */
export type HeldModule = { readonly why: string; readonly tracks: boolean }

/**
 * What would keep tracking's hooks attached in this network namespace once the last stateful rule is gone. They attach only
 * where something needs them since Linux 4.14 (commit 4d3a57f23dec); 4.10 to 4.13 could do so, and had them on from the start
 * (nf_conntrack_default_on).
 * @param held why the modules cannot go, at least one reason
 */
export function whyHooksStay(facts: Facts, held: readonly HeldModule[]): Obstacles {
  const own = held.flatMap(({ why, tracks }) => (tracks ? [`${why}, and may track by itself`] : []))
  const all = [{ blockers: own, doubts: [] }, oldKernel(facts, held), alwaysOn(facts)]
  return { blockers: all.flatMap(({ blockers }) => blockers), doubts: all.flatMap(({ doubts }) => doubts) }
}

function oldKernel({ system: { kernel } }: Facts, held: readonly HeldModule[]): Obstacles {
  if (!kernel.known) return doubt(`whether tracking ends with its last rule is not known: ${kernel.why}`)
  if (isAtLeast(kernel.value, 4, 14)) return NONE
  return block(`${held[0]?.why}, and Linux ${kernel.value.release} tracks without any rule (from 4.14 on it does not)`)
}

/** The parameter is in no file of its own: on the kernel's command line, or among the options of modules. */
function alwaysOn({ conntrack, persistence, system }: Facts): Obstacles {
  const { settings, form } = conntrack
  const given = settings.known ? settings.value.enable_hooks : undefined
  if (given === '1')
    return block("nf_conntrack.enable_hooks is on the kernel's command line: tracking goes on without any rule")
  if (given === undefined)
    return doubt(
      `whether the kernel tracks without any rule is not known: ${settings.known ? COMMAND_LINE : settings.why}`,
    )
  const ownModules = form.known && form.value === 'module' && system.container.known && system.container.value === null
  if (!ownModules) return NONE
  if (!persistence.files.known) return doubt(`the options of modules are not known: ${persistence.files.why}`)
  const set = persistence.files.value.find(({ lines }) =>
    lines.some((line) => /^\s*options\s+nf_conntrack\s.*\benable_hooks(\s|$|=[1yY])/.test(line)),
  )
  return set === undefined ? NONE : block(`${set.path} sets enable_hooks: tracking goes on without any rule`)
}

const COMMAND_LINE = '/proc/cmdline could not be read'

/** What of nft needs tracking that no removal of rules takes away. */
export function nftObjects(
  { firewall: { nftRuleset }, system: { kernel } }: Facts,
  live: readonly LiveRules[],
  form: 'modules' | 'hooks',
): Obstacles {
  const found = nftRuleset.known ? nftHolders(nftRuleset.value, live) : nftRuleset
  if (!found.known) return doubt(`the nft rules are not known: ${found.why}`)
  const [first, ...others] = found.value.holders
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  const [chain] = found.value.natChains
  const mayHold = form === 'hooks' && chain !== undefined && kernel.known && !isAtLeast(kernel.value, 5, 2)
  return {
    blockers: first === undefined ? [] : [`nft's ${first} needs tracking${more}`],
    // Without rules it needs none on 6.18; older kernels, where each family has such chains of its own, were not tried.
    doubts: mayHold ? [`whether nft chain "${chain}" of type nat keeps tracking on before Linux 5.2 is not known`] : [],
  }
}

function isAtLeast(kernel: { readonly major: number; readonly minor: number }, major: number, minor: number): boolean {
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor)
}

function block(why: string): Obstacles {
  return { blockers: [why], doubts: [] }
}

function doubt(why: string): Obstacles {
  return { blockers: [], doubts: [why] }
}
