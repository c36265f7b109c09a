import type { ChainRef } from '../firewall/depends.ts'
import { NEEDS_TRACKING } from '../firewall/match-kinds.ts'
import type { LiveRules, Rule } from '../firewall/rules.ts'
import { removableStatefulRules, statefulRules } from '../firewall/stateful.ts'
import { effectOf } from '../firewall/targets.ts'
import type { Facts, ManagerName } from '../model/facts.ts'
import type { Json } from '../model/json.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'
import type { Analysis } from '../playbook/names.ts'
import { type HeldModule, NONE, nftObjects, type Obstacles, whyHooksStay } from './hooks-off.ts'
import { heldFromOutside, unloadOrder } from './module-order.ts'

export type UnloadAnalysis = Analysis['unload'] & { readonly dependsOn: readonly ChainRef[] }

/** Who would bring tracking back, or cannot do without it. */
const NEED_TRACKING: readonly ManagerName[] = [
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
]

/**
 * Whether this host can do without tracking, and in which form: by unloading the modules, or, where those have to stay, by
 * taking away the last rule that keeps the hooks attached. Blockers come in the order of what can be done about them: who
 * manages the firewall, the rules, what else holds on to tracking, and last the kernel.
 */
export function analyseUnload(facts: Facts, live: Reading<readonly LiveRules[]>): UnloadAnalysis {
  const modules = modulesOf(facts, live)
  const held = modules.known ? modules.value.held : []
  const form = held.length === 0 ? 'modules' : 'hooks'
  const rules = rulesOf(live)
  const all = [
    managersOf(facts),
    rules,
    live.known ? nftObjects(facts, live.value, form) : NONE,
    modules.known ? NONE : unreadable(facts, modules.why),
    form === 'hooks' ? whyHooksStay(facts, held) : NONE,
  ]
  const blockers = all.flatMap((each) => each.blockers)
  const doubts = all.flatMap((each) => each.doubts)
  const fits = blockers.length === 0 && doubts.length === 0
  const why = (blockers.length > 0 ? blockers : doubts.slice(0, 1)).join('; ')
  return {
    possible: fits ? known(true) : blockers.length > 0 ? known(false) : unknown(why),
    form,
    why,
    blockers,
    edits: fits ? rules.edits : [],
    modules: fits && form === 'modules' && modules.known ? modules.value.order : [],
    modulesStay: held[0]?.why ?? '',
    canFlush: canFlush(facts),
    dependsOn: fits ? rules.dependsOn : [],
  }
}

function managersOf({ managers: { present } }: Facts): Obstacles {
  if (!present.known) return { blockers: [], doubts: [`who else manages the firewall is not known: ${present.why}`] }
  const [first, ...others] = present.value.filter(({ name }) => NEED_TRACKING.includes(name))
  if (first === undefined) return NONE
  const here = `${first.name} is here (${first.sign})`
  const names = others.map(({ name }) => name).join(', ')
  const blocker =
    names === ''
      ? `${here}, which needs tracking or puts its rules back`
      : `${here}, and so is ${names}: each needs tracking or puts its rules back`
  return { blockers: [blocker], doubts: [] }
}

function rulesOf(live: Reading<readonly LiveRules[]>): Obstacles & {
  readonly edits: readonly Json[]
  readonly dependsOn: readonly ChainRef[]
} {
  const none = { edits: [], dependsOn: [] }
  if (!live.known) return { blockers: [], doubts: [live.why], ...none }
  const removal = removableStatefulRules(live.value)
  if (removal.removable) return { ...NONE, edits: removal.edits, dependsOn: removal.dependsOn }
  // NOTRACK goes with the rest, and needs no tracking by itself.
  const others = statefulRules(live.value).filter(({ rule }) => needsIt(rule)).length - 1
  const more = others < 1 ? '' : ` (and ${others} more ${others === 1 ? 'rule needs' : 'rules need'} tracking)`
  const named = removal.rule === null ? removal.why : `${removal.why}: ${removal.rule}`
  return { blockers: [`${named}${more}`], doubts: [], ...none }
}

function needsIt({ matches, target }: Rule): boolean {
  const untracks = target !== null && effectOf(target.name, target.options) === 'no-track'
  return !untracks || matches.some(({ name }) => NEEDS_TRACKING.has(name))
}

/** A module that is not loaded is surely not there to be unloaded; all else that could not be read is a doubt. */
function unreadable({ conntrack: { form } }: Facts, why: string): Obstacles {
  const isAbsent = form.known && form.value === 'absent'
  return { blockers: isAbsent ? [why] : [], doubts: isAbsent ? [] : [why] }
}

/** The modules to unload, leaf first, and what keeps them from going; unknown where that cannot be told. */
function modulesOf(
  facts: Facts,
  live: Reading<readonly LiveRules[]>,
): Reading<{ readonly order: readonly string[]; readonly held: readonly HeldModule[] }> {
  const { form } = facts.conntrack
  if (!form.known) return unknown(`whether tracking can be unloaded is not known: ${form.why}`)
  const stay = (why: string) => known({ order: [], held: [{ why, tracks: false }] })
  if (form.value === 'built-in') return stay('connection tracking is built into this kernel, or belongs to the node')
  const { container } = facts.system
  if (!container.known) return unknown(`whether this is a whole machine is not known: ${container.why}`)
  const { loadable, loaded } = facts.modules
  if (container.value !== null) {
    return stay(`the modules belong to the machine that this ${container.value} runs on`)
  }
  if (!loadable.known) return unknown(`whether modules can be unloaded is not known: ${loadable.why}`)
  if (!loadable.value) return stay('this kernel lets no module be loaded or unloaded (kernel.modules_disabled)')
  if (!loaded.known) return unknown(`the loaded modules are not known: ${loaded.why}`)
  return mapReading(unloadOrder(loaded.value), (order) => ({
    order,
    held: heldFromOutside(order, loaded.value, live.known ? live.value : null),
  }))
}

/**
 * Whether the `conntrack` program can do its work: it needs a module, which must be there, or able to come. A kernel without
 * modules is taken to have it with the rest; where it has not, the step fails and all of it is taken back.
 */
function canFlush({ conntrack: { tool }, modules: { loadable, loaded, builtin } }: Facts): Reading<boolean> {
  const isClosed = loadable.known && !loadable.value && loaded.known && loaded.value.length > 0
  if (!tool.known || !tool.value || !isClosed) return tool
  if (loaded.value.some(({ name }) => name === NETLINK)) return tool
  return mapReading(builtin, (names) => names.includes(NETLINK))
}

const NETLINK = 'nf_conntrack_netlink'
