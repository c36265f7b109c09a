import { grouped } from '../../diagnosis/numbers.ts'
import type { Fault } from '../../model/fault.ts'
import { type Paper, paragraph } from '../format.ts'
import { groups } from './groups.ts'

/** What went wrong, and what to type now. */
export function faultLines(paper: Paper, margin: string, fault: Fault): readonly string[] {
  return [
    ...paragraph(paper, margin, fault.message),
    ...paragraph(paper, { first: margin, rest: `${margin}      ` }, { tone: 'strong', text: 'Next:' }, ' ', fault.next),
  ]
}

/** What kind of fault it is, beside a status that may have said it. */
export function codeText({ status, fault }: { readonly status: string; readonly fault: Fault }): string {
  return fault.code === status ? '' : fault.code
}

/** The same of a host that was not reached; where its own table may be why, what to type at its console. */
export function unreachableLines(paper: Paper, margin: string, fault: Fault): readonly string[] {
  const silent = fault.code === 'connect-timed-out' || fault.code === 'handshake-timed-out'
  return [...faultLines(paper, margin, fault), ...(silent ? paragraph(paper, margin, FULL_TABLE) : [])]
}

/** A full table drops every new connection, ours too. */
const FULL_TABLE =
  "Is its table full (at its console: dmesg | grep 'table full')? For now, where memory allows: sysctl -w net.netfilter.nf_conntrack_max=N, twice what it is there"

type Fallen = { readonly host: string; readonly status: string; readonly fault?: Fault | null; readonly why?: string }

/** Hosts with the same cause together, each group where its first one stood; a host without a fault is alone. */
export function byCause<R extends Fallen>(results: readonly R[]): readonly (readonly R[])[] {
  return groups(results, causeOf).map(([, members]) => members)
}

/** What happened to a host, apart from whose it is: equal where a person would mend the same thing. */
export function causeOf({ host, status, fault, why }: Fallen): string {
  if (fault === undefined || fault === null) return JSON.stringify([status, status === 'not-reached' ? why : host])
  // Addresses, ports, fingerprints, places and file names differ from host to host.
  const words = fault.message.slice(0, MOST_WORDS).replaceAll(host, '#')
  const message = words.replaceAll(/[^\s"(),;]+/g, (word) => (/[\d:./]/.test(word) ? '#' : word))
  // It is the same for all hosts behind it, and mended in one place.
  const [, jump] = /the jump host (\S+)/.exec(fault.message) ?? []
  return JSON.stringify([status, fault.code, message, jump])
}

/** Characters by which messages are compared: a host may send megabytes. */
const MOST_WORDS = 4000

/** The fault of all of a group, said once, in the words of its first one. */
export function commonFault(group: readonly Fallen[]): Fault | null {
  const [first, ...others] = group
  if (first?.fault === undefined || first.fault === null) return null
  const { host, fault } = first
  if (others.every((other) => other.fault?.message === fault.message && other.fault.next === fault.next)) return fault
  const alike = others.length === 1 ? 'the other one is' : `the ${grouped(others.length)} others are`
  return { ...fault, message: `${host}: ${fault.message}; ${alike} alike` }
}
