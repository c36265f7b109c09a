import { type Case, type CaseResult, type Findings, findingsOf } from './mill.ts'

/** Counts over many cases, and every one that went wrong. */
export class Tally {
  readonly failures: Failure[] = []
  /** Sessions that did not live, and that no plan would have warned of. */
  readonly lostUnforetold: string[] = []
  readonly refusals = new Map<string, number>()
  readonly unloadable: string[] = []
  readonly unreadable: string[] = []
  readonly counts = {
    sets: 0,
    safe: 0,
    threw: 0,
    unchanged: 0,
    refused: 0,
    unreadable: 0,
    unloadable: 0,
    cells: 0,
    reachable: 0,
    serviceOpen: 0,
    /** Safe ones with rules in nft's own language, and with a service that is another host's. */
    native: 0,
    forwarded: 0,
    differences: 0,
    /** Of those: what was reached and is not, or the other way; the rest is refused in another way, or not as before. */
    reach: 0,
    foretold: 0,
    unsteady: 0,
    sessions: 0,
    sessionsLost: 0,
  }

  add(given: Case, result: CaseResult): void {
    const { counts } = this
    counts.sets += 1
    counts[result.status] += 1
    const found = findingsOf(result)
    if (found !== null) this.failures.push({ given, found })
    switch (result.status) {
      case 'unloadable':
        this.unloadable.push(`${given.name}: ${firstLine(result.why)}`)
        return
      case 'unreadable':
        this.unreadable.push(`${given.name}: ${result.why}`)
        return
      case 'refused': {
        const why = result.why.replace(/^(tcp|udp) port \d+: /, '')
        this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1)
        return
      }
      case 'threw':
        counts.differences += 1
        return
      case 'safe':
        this.addSafe(given, result)
    }
  }

  text(): string {
    const { counts: n } = this
    return [
      `${n.sets} cases: ${n.safe} safe (${n.unchanged} with nothing to add), ${n.refused} refused, ${n.unreadable} unreadable, ${n.unloadable} unloadable, ${n.threw} threw`,
      `${n.cells} cells in the safe ones, ${n.reachable} of them reachable; the service itself from outside in ${n.serviceOpen} cases`,
      `${n.native} of the safe ones with nft's own rules, ${n.forwarded} with a service of another host`,
      `${n.differences} differences in ${this.failures.length} cases, ${n.reach} of them in what is reached; ${n.foretold} more were foretold; ${n.unsteady} cells changed by themselves`,
      `${n.sessions} sessions over a change, ${n.sessionsLost} lost, ${this.lostUnforetold.length} of them without a warning`,
      ...this.lostUnforetold.map((each) => `  ${each}`),
      ...[...this.unreadable, ...this.unloadable].map((each) => `  ${each}`),
      ...[...this.refusals].sort(([, a], [, b]) => b - a).map(([why, times]) => `  ${times} refused: ${why}`),
    ].join('\n')
  }

  private addSafe(given: Case, result: Safe): void {
    const { counts } = this
    const answers = [...result.before.values()]
    if (result.edits.length === 0) counts.unchanged += 1
    counts.cells += answers.length
    counts.reachable += answers.filter((each) => each.startsWith('ok')).length
    if (serviceIsOpen(given, result)) counts.serviceOpen += 1
    if (given.rules.some(({ kind }) => kind === 'native')) counts.native += 1
    if (given.service.forwarded) counts.forwarded += 1
    counts.differences += result.broken.length
    const { applied, undone } = result.differences
    counts.reach += [...applied, ...undone].filter(({ was, became }) => `${was}${became}`.includes('ok ')).length
    counts.foretold += result.foretold.length
    counts.unsteady += result.unsteady.length
    counts.sessions += result.sessions.open
    counts.sessionsLost += result.sessions.lost.length
    for (const { name, when, foretold } of result.sessions.lost) {
      if (!foretold) this.lostUnforetold.push(`${given.name}: ${name}, ${when} (${given.rerun})`)
    }
  }
}

export type Failure = { readonly given: Case; readonly found: Findings }

type Safe = CaseResult & { readonly status: 'safe' }

/** The rule set, the service, the edits and the cells that differ, and how to run it alone. */
export function failureText({ given, found }: Failure): string {
  const { service, guise, name, rerun } = given
  return [
    `${name}: ${service.protocol} port ${service.port}${service.forwarded ? ' of far' : ''}, interfaces ${guise.interfaces.join(' and ')}`,
    ...(guise.client || guise.server
      ? [`addresses: ${JSON.stringify({ client: guise.client, server: guise.server })}`]
      : []),
    ...found.loaded.map(({ kind, family, text }) => `${kind} ${family}:\n${text}`),
    ...found.edits.map(
      ({ backend, family, table, chain, action, spec, after }) =>
        `${action} ${backend} ${family} -t ${table} -A ${chain} ${spec}   after ${after ?? 'the top'}`,
    ),
    ...found.broken,
    `alone: ${rerun}`,
  ].join('\n')
}

function serviceIsOpen({ service, rules }: Case, { before }: Safe): boolean {
  const { protocol, port, forwarded } = service
  const families = new Set(rules.flatMap(({ family }) => (family === 'inet' ? ['ip', 'ip6'] : [family])))
  const ways = forwarded ? ['near -> far', 'far -> near'] : ['near -> host', 'far -> host']
  return [...families].some((family) =>
    ways.some((way) => before.get(`${family} ${protocol} ${way}:${port}`)?.startsWith('ok')),
  )
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
