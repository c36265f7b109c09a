import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { quoted } from '../input/complaint.ts'
import { matchesAny, matchesPattern } from './ssh-config-patterns.ts'

/** What conditions of ssh_config look at. */
export type Matched = {
  readonly originalHost: string
  readonly host: string
  readonly user: string
  readonly localUser: string
  readonly tag: string
  /** The files are read for the second time, with the final host name. */
  readonly final: boolean
}

export type Condition = {
  readonly holds: boolean
  /** It holds but for this criterion, which only ssh can answer. */
  readonly forSsh?: string
  readonly wantsFinal: boolean
}

export function hostHolds(patterns: readonly string[], name: string): boolean {
  const hit = patterns.some((each) => each.startsWith('!') && matchesPattern(name, each.slice(1)))
  return !hit && patterns.some((each) => !each.startsWith('!') && matchesPattern(name, each))
}

export function matchHolds(words: readonly string[], at: Matched): Condition | { readonly wrong: string } {
  let [holds, wantsFinal, forSsh, criteria]: [boolean, boolean, string | undefined, number] = [
    true,
    false,
    undefined,
    0,
  ]
  for (let index = 0; index < words.length; index++) {
    const [, not = '', name = '', , attached] = /^(!?)([^=]*)(=(.*))?$/s.exec(words[index] ?? '') ?? []
    const criterion = name.toLowerCase()
    const says = (yes: boolean) => {
      holds &&= yes === (not === '')
    }
    if (criterion === 'all') {
      if (criteria > 1 || index + 1 < words.length) return { wrong: 'Match all stands alone' }
      says(true)
      return { holds, wantsFinal, ...(holds && forSsh !== undefined ? { holds: false, forSsh } : {}) }
    }
    criteria++
    if (criterion === 'final' || criterion === 'canonical') {
      wantsFinal ||= criterion === 'final' && not === ''
      says(at.final)
      continue
    }
    const argument = attached ?? words[++index]
    if (argument === undefined || (argument === '' && criterion !== 'tagged' && criterion !== 'command')) {
      return { wrong: `Match ${name} wants to know what to match` }
    }
    if (FOR_SSH.includes(criterion)) forSsh ??= criterion
    else {
      const answer = answerTo(criterion, argument, at)
      if (answer === null) return { wrong: `${quoted(name)} is no criterion of Match` }
      says(answer)
    }
  }
  if (criteria === 0) return { wrong: 'Match wants a criterion' }
  return { holds: holds && forSsh === undefined, wantsFinal, ...(holds && forSsh !== undefined ? { forSsh } : {}) }
}

/** They run a program, or are about ssh itself. */
const FOR_SSH = ['exec', 'version', 'command', 'sessiontype']

function answerTo(criterion: string, argument: string, at: Matched): boolean | null {
  const list = argument.split(',')
  const hosts = argument.toLowerCase().split(',')
  switch (criterion) {
    case 'host':
      return matchesAny(at.host.toLowerCase(), hosts)
    case 'originalhost':
      return matchesAny(at.originalHost.toLowerCase(), hosts)
    case 'user':
      return matchesAny(at.user, list)
    case 'localuser':
      return matchesAny(at.localUser, list)
    case 'tagged':
      return at.tag === '' || argument === '' ? at.tag === argument : matchesAny(at.tag, list)
    case 'localnetwork':
      return isOnNetwork(list)
    default:
      return null
  }
}

function isOnNetwork(networks: readonly string[]): boolean {
  const ours = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const isIn = (network: string) => {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const block = new BlockList()
    try {
      block.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
    } catch {
      return false
    }
    return ours.some((each) => block.check(each.address, each.family === 'IPv6' ? 'ipv6' : 'ipv4'))
  }
  return (
    networks.some((each) => !each.startsWith('!') && isIn(each)) &&
    !networks.some((each) => each.startsWith('!') && isIn(each.slice(1)))
  )
}
