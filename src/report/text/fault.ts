import type { Fault } from '../../model/fault.ts'
import { type Paper, paragraph } from '../format.ts'

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
