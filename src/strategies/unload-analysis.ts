import type { ChainRef } from '../firewall/depends.ts'
import type { LiveRules } from '../firewall/rules.ts'
import { removableStatefulRules } from '../firewall/stateful.ts'
import type { Facts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Analysis } from '../playbook/names.ts'
import { managerAmong } from './live-rules.ts'
import { heldFromOutside, unloadOrder } from './module-order.ts'

export type UnloadAnalysis = Analysis['unload'] & { readonly dependsOn: readonly ChainRef[] }

/** Who would bring tracking back, or cannot do without it. */
const NEED_TRACKING = [
  'docker',
  'podman',
  'kubernetes',
  'lvs',
  'firewalld',
  'ufw',
  'libvirt',
  'openvswitch',
  'conntrackd',
  'proxmox',
] as const

export function analyseUnload(facts: Facts, live: Reading<readonly LiveRules[]>): UnloadAnalysis {
  const not = (possible: Reading<boolean>, why: string): UnloadAnalysis => ({
    possible,
    why,
    edits: [],
    modules: [],
    dependsOn: [],
  })
  const refused = (why: string) => not(known(false), why)
  const doubtful = (why: string) => not(unknown(why), why)

  const { form } = facts.conntrack
  if (!form.known) return doubtful(`whether tracking can be unloaded is not known: ${form.why}`)
  if (form.value === 'built-in') return refused('connection tracking is built into this kernel, or belongs to the node')
  const manager = managerAmong(facts, NEED_TRACKING)
  if (!manager.known) return doubtful(manager.why)
  if (manager.value !== null) return refused(`${manager.value}, which needs tracking or puts its rules back`)
  if (!live.known) return doubtful(live.why)
  const { loaded } = facts.modules
  if (!loaded.known) return doubtful(`the loaded modules are not known: ${loaded.why}`)
  const order = unloadOrder(loaded.value)
  if (!order.known) return refused(order.why)
  const [held] = heldFromOutside(order.value, loaded.value)
  if (held !== undefined) return refused(`module ${held} is used by something other than rules and modules`)
  const removal = removableStatefulRules(live.value)
  if (!removal.removable) return refused(removal.rule === null ? removal.why : `${removal.why}: ${removal.rule}`)
  return { possible: known(true), why: '', edits: removal.edits, modules: order.value, dependsOn: removal.dependsOn }
}
