import { leavesUntracked } from '../firewall/leaves-untracked.ts'
import type { Binding, BoundStep } from '../playbook/bind.ts'
import type { Service } from './busy-ports.ts'

/** What a playbook's steps, bound to one host, want of its table. */

/** The services whose entries it deletes; null where it deletes none, or its steps are not known. */
export function flushedIn(binding: Binding): readonly Service[] | null {
  const services = stepsIn(binding, 'flush-entries').flatMap((want) => {
    const { protocol, ports } = fieldsOf(want)
    if ((protocol !== 'tcp' && protocol !== 'udp') || !Array.isArray(ports)) return []
    return ports.flatMap((port): readonly Service[] => (typeof port === 'number' ? [{ protocol, port }] : []))
  })
  return services.length === 0 ? null : services
}

/** Whether steps add rules that leave flows untracked, under whatever playbook's name; such rules that go leave none. */
export function untracksIn(steps: readonly BoundStep[]): boolean {
  return wantedBy(steps, 'firewall').some((want) => {
    const { edits } = fieldsOf(want)
    return Array.isArray(edits) && edits.some((edit) => comesUntracked(fieldsOf(edit)))
  })
}

function comesUntracked({ action, spec }: Fields): boolean {
  return action === 'add' && typeof spec === 'string' && leavesUntracked({ spec })
}

/** Whether one of its settings is the table's limit, or a timeout of its entries. */
export function isAboutTheTable(binding: Binding): boolean {
  return stepsIn(binding, 'sysctl').some((want) => OF_TABLE.test(keyOf(want)))
}

/** The limit that a step of kind `sysctl` sets, in entries; undefined where it sets something else. */
export function maxIn(want: unknown): number | undefined {
  return MAX.test(keyOf(want)) ? number(want, 'value') : undefined
}

export function number(want: unknown, field: string): number | undefined {
  const value = fieldsOf(want)[field]
  return typeof value === 'number' ? value : undefined
}

const MAX = /^net\.(?:ipv4\.)?(?:netfilter\.)?(?:nf|ip)_conntrack_max$/
const OF_TABLE = /^net\.(?:ipv4\.)?(?:netfilter\.)?(?:nf|ip)_conntrack_(?:max|buckets|.*timeout.*)$/

function stepsIn(binding: Binding, kind: string): readonly unknown[] {
  return binding.type === 'bound' ? wantedBy(binding.steps, kind) : []
}

function wantedBy(steps: readonly BoundStep[], kind: string): readonly unknown[] {
  return steps.flatMap((step) => (step.kind === kind ? [step.want] : []))
}

function keyOf(want: unknown): string {
  const { key } = fieldsOf(want)
  return typeof key === 'string' ? key : ''
}

type Fields = { readonly [field: string]: unknown }

function fieldsOf(want: unknown): Fields {
  return typeof want === 'object' && want !== null ? { ...want } : {}
}
