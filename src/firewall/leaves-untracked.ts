/** Whether a rule, in the words of iptables or of nft, leaves its packets untracked; what stands in quotes or comments says nothing. */
export function leavesUntracked({ spec }: { readonly spec: string }): boolean {
  return UNTRACKS.test(spec.replace(QUOTED, '""').replace(COMMENT, ''))
}

const UNTRACKS = /(?:^|\s)(?:-j NOTRACK|--notrack|(?<!-[jg] |jump |goto )notrack)(?=\s|$)/
const QUOTED = /"(?:[^"\\]|\\.)*"/g
const COMMENT = /--comment \S+/g
