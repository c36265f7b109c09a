import type { HostTold, RunReview } from '../../model/review.ts'
import { type Element, element, linesOf, properties, xmlText } from './xml.ts'

/**
 * A run as JUnit's XML: one test suite, and each host a test case. `failure`: the host is not as wanted; `error`: how it is cannot
 * be told, or it was never reached; `skipped`: nothing was to be done, or somebody said no. Seconds, for the whole run alone.
 * Elements and attributes are those that all of Jenkins' schemas have
 * (https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd): of
 * `skipped` the older ones know its text alone.
 */
export function runJunit(review: RunReview): string {
  const { run, hosts, headline } = review
  const seconds = run.endedAt === null ? Number.NaN : (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000
  const count = (outcome: HostTold['outcome']) => hosts.filter((host) => host.outcome === outcome).length
  const totals = {
    name: `ctfleet ${run.command}`,
    tests: hosts.length,
    failures: count('failed'),
    errors: count('error'),
    time: seconds >= 0 ? seconds : null,
  }
  const suite = {
    ...totals,
    name: `ctfleet ${run.command} ${run.id}`,
    skipped: count('skipped'),
    // Local time without a zone is what the schema asks for; ours is UTC.
    timestamp: run.startedAt.slice(0, 19),
  }
  return xmlText(
    element('testsuites', totals, [
      element('testsuite', suite, [
        properties(pairsOf(review)),
        ...hosts.map((host) => testcase(host, run.command)),
        element('system-out', {}, headline),
      ]),
    ]),
  )
}

function pairsOf({ run, approvals }: RunReview): Parameters<typeof properties>[0] {
  return [
    ['run', run.id],
    ['by', run.by],
    ['inventory', run.inventory],
    ['ended', run.endedAt ?? 'not ended'],
    ...(run.of === null ? [] : ([['of', run.of]] as const)),
    ...approvals.map(({ answer, by, at, hosts, remark }, index): readonly [string, string] => [
      `approval.${index + 1}`,
      `${answer} by ${by}${at === null ? '' : ` at ${at}`} for ${named(hosts)}${remark === null ? '' : `: ${remark}`}`,
    ]),
  ]
}

/** The test cases have them all. */
const MOST_NAMES = 20

function named(hosts: readonly string[]): string {
  const more = hosts.length - MOST_NAMES
  return hosts.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function testcase(told: HostTold, command: string): Element {
  const classname = told.strategy === null ? `ctfleet.${command}` : `ctfleet.${command}.${told.strategy}`
  return element('testcase', { name: told.host, classname }, [...verdict(told), ...output(told)])
}

const ELEMENTS: Readonly<Record<Exclude<HostTold['outcome'], 'passed' | 'skipped'>, string>> = {
  failed: 'failure',
  error: 'error',
}

function verdict({ outcome, status, ended, fault }: HostTold): readonly Element[] {
  const said = ended === '' ? status : `${status}: ${ended}`
  switch (outcome) {
    case 'passed':
      return []
    case 'skipped':
      return [element('skipped', {}, linesOf([said]))]
    case 'failed':
    case 'error': {
      const message = fault === null ? said : `${status}: ${fault.message}`
      const body = linesOf(fault === null ? [said] : [fault.message, `Next: ${fault.next}`])
      return [element(ELEMENTS[outcome], { message, type: fault?.code ?? status }, body)]
    }
  }
}

function output({ status, ended, checked }: HostTold): readonly Element[] {
  const lines = [
    ...(ended === '' ? [] : [`${status}: ${ended}`]),
    ...checked.map(({ gate, held, message }) => `gate ${gate} ${held ? 'held' : 'did not hold'}: ${message}`),
  ]
  return lines.length === 0 ? [] : [element('system-out', {}, linesOf(lines))]
}
