import { describe, expect, test } from 'vitest'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import type { Facts } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { explainRecorded, foretellRecorded } from '../../src/run/offline.ts'
import { leftOutBy, whereFrom } from '../../src/run/where.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'

const DENIED = '/proc/sys/net/netfilter: permission denied'
const FULL = factsWith({ conntrack: { ...HEALTHY.conntrack, usage: known(0.93) } })
const UNTOLD = factsWith({ conntrack: { ...HEALTHY.conntrack, usage: unknown(DENIED) } })
const UNTRACKED = factsWith({
  conntrack: { ...HEALTHY.conntrack, form: known('absent'), usage: unknown('tracking is not loaded') },
})

describe('a host is meant, left out, or cannot be told of', () => {
  const untold = `conntrack.usage is not known: ${DENIED}`
  const cases: readonly [condition: string, facts: Facts, told: object | null][] = [
    ['conntrack.usage > 0.8', FULL, null],
    ['facts.conntrack.usage > 0.8', FULL, null],
    ['conntrack.usage > 0.8', HEALTHY, { status: 'left-out' }],
    ['conntrack.usage > 0.8', UNTOLD, { status: 'unsure', why: untold }],
    ['facts.conntrack.usage > 0.8', UNTOLD, { status: 'unsure', why: `facts.${untold}` }],
    ['conntrack.usage > 0.8 && system.cpus > 64', UNTOLD, { status: 'left-out' }],
    ['conntrack.form != "absent" && conntrack.usage > 0.8', UNTRACKED, { status: 'left-out' }],
    ['system.os.id == "debian" && system.kernel.major >= 6', HEALTHY, null],
    ['managers.present.exists(m, m.name == "docker")', HEALTHY, { status: 'left-out' }],
    ['conntrack.timeouts["tcp_timeout_established"] > 86400', HEALTHY, null],
    [
      'conntrack.timeouts["tcp_timeout_nowhere"] > 1',
      HEALTHY,
      { status: 'unsure', why: 'this host has no conntrack.timeouts.tcp_timeout_nowhere' },
    ],
    [
      'system.container',
      factsWith({ system: { ...HEALTHY.system, container: known('lxc') } }),
      { status: 'unsure', why: 'it gives "lxc", and neither true nor false' },
    ],
  ]
  test.each(cases)('%s', (condition, facts, told) => {
    const expected = told === null ? null : { host: 'web-1', ...told }
    expect(leftOutBy(whereFrom(condition), 'web-1', facts)).toEqual(expected)
  })

  test('without a condition every host is', () => {
    expect(leftOutBy(whereFrom(undefined), 'web-1', UNTOLD)).toBeNull()
    expect(leftOutBy(undefined, 'web-1', UNTOLD)).toBeNull()
  })
})

test('recorded facts are sifted in the same way, and what could not be read stays what it was', () => {
  const wish = {
    strategy: 'auto',
    playbooks: [],
    ports: null,
    thresholds: DEFAULT_THRESHOLDS,
    where: whereFrom('conntrack.usage > 0.8'),
  }
  const recorded = (facts: Facts) => ({ host: 'web-1', status: 'read', facts }) as const
  for (const story of [foretellRecorded, explainRecorded]) {
    expect(story(recorded(HEALTHY), wish)).toEqual({ host: 'web-1', status: 'left-out' })
    expect(story(recorded(UNTOLD), wish).status).toBe('unsure')
    expect(['explained', 'healthy', 'no-strategy']).toContain(story(recorded(FULL), wish).status)
    const gone = { host: 'web-2', status: 'not-reached', why: 'the run was stopped before its turn' } as const
    expect(story(gone, wish)).toEqual(gone)
  }
})
