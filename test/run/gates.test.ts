import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Gate } from '../../src/model/plan.ts'
import { checkGates, noNewLogin } from '../../src/run/gates.ts'
import type { Session } from '../../src/transport/transport.ts'
import { aPlan } from '../report/fleet.ts'

const DROPS: Gate = {
  gate: 'drops',
  mostPerSecond: 0,
  withinSeconds: 10,
  beforePerSecond: 620,
  because: 'max is raised',
}
const INVALID: Gate = { gate: 'invalid', mostPerSecond: 25, withinSeconds: 0, beforePerSecond: 2 }
const PROC_NET = 'exists /proc/net/dev\nexists /proc/net/stat/nf_conntrack\n'
const TRACKING = `${PROC_NET}/proc/sys/net/netfilter/nf_conntrack_max:100\n/proc/sys/net/netfilter/nf_conntrack_count:97\n`

describe('the rates after a change', () => {
  test('drops that end and INVALID packets that are few hold, in the order of the plan', async () => {
    const { outcomes, fault } = await check([{ gate: 'login' }, INVALID, DROPS], [{ drops: 0, invalid: 4 }])
    expect(fault).toBeNull()
    expect(outcomes.map(({ gate, held }) => [gate, held])).toEqual([
      ['login', true],
      ['invalid', true],
      ['drops', true],
    ])
  })

  test('drops may take a few readings to end', async () => {
    const { fault } = await check(
      [DROPS],
      [
        { drops: 900, invalid: 0 },
        { drops: 30, invalid: 0 },
        { drops: 0, invalid: 0 },
      ],
    )
    expect(fault).toBeNull()
  })

  test('INVALID packets that soar are told with what was expected', async () => {
    const { outcomes, fault } = await check([INVALID, DROPS], [{ drops: 0, invalid: 264 }])
    expect(outcomes).toEqual([
      {
        gate: 'invalid',
        held: false,
        message: '132 packets a second are INVALID (2 before the change, at most 25 were expected)',
      },
      {
        gate: 'drops',
        held: true,
        message: '0 packets a second are dropped for want of room (620 before the change, the table is 97 % full)',
        seen: { perSecond: 0, table: { entries: 97, max: 100 } },
      },
    ])
    expect(fault).toMatchObject({ code: 'not-verified', message: outcomes[0]?.message })
  })

  test('where nothing is tracked any more both hold', async () => {
    const { outcomes } = await check([DROPS, INVALID], [{ gone: true }])
    expect(outcomes.map(({ held, message }) => [held, message])).toEqual([
      [true, 'nothing is tracked any more'],
      [true, 'nothing is tracked any more'],
    ])
  })

  test('a rate that is not known does not hold', async () => {
    const { fault } = await check([INVALID], [{ drops: 0 }])
    expect(fault?.message).toContain('this kernel does not count invalid')
  })

  test('no time to ask is no yes', async () => {
    const { outcomes } = await check([DROPS], [{ drops: 0, invalid: 0 }], 1000)
    expect(outcomes).toMatchObject([
      { gate: 'drops', held: false, message: expect.stringContaining('was over before') },
    ])
  })

  test('drops that are left no time to end say so', async () => {
    const { fault } = await check([DROPS], [{ drops: 900, invalid: 0 }], 2600)
    expect(fault?.message).toMatch(/^450 packets a second .*; there was no time to wait for more$/)
  })

  test('a link that fails says nothing about the rates', async () => {
    const { outcomes, fault } = await check([{ gate: 'login' }, DROPS], [])
    expect(outcomes.map(({ gate }) => gate)).toEqual(['login'])
    expect(fault?.code).toBe('lost')
  })
})

test('a change that does not read back ends it: nothing else is asked', async () => {
  const { outcomes, fault } = await check([{ gate: 'reads-back' }, DROPS], [{ drops: 0, invalid: 0 }])
  expect(outcomes).toMatchObject([{ gate: 'reads-back', held: false }])
  expect(fault?.code).toBe('not-verified')
})

test('a login that is not to be had is a gate that did not hold', () => {
  const plan = aPlan('a', { gates: [{ gate: 'reads-back' }, { gate: 'login' }] })
  expect(noNewLogin(plan, 'none within 60 s')).toEqual([{ gate: 'login', held: false, message: 'none within 60 s' }])
  expect(noNewLogin(aPlan('a'), 'none within 60 s')).toEqual([])
})

const READING_MS = 120

type Seen = { readonly drops?: number; readonly invalid?: number; readonly gone?: boolean }

/** Asks a host that says this of two seconds, one reading after the other; then the link is lost. */
async function check(gates: readonly Gate[], readings: readonly Seen[], leftMs = 30_000) {
  const plan = aPlan('a', { gates })
  let asked = 0
  const session: Session = {
    host: plan.host,
    run: async (_script, { arguments: [nonce = ''] = [] }) => {
      await pause(READING_MS)
      const seen = readings[asked++]
      if (seen === undefined) return { type: 'lost', why: 'it was cut' }
      // A probe of a change is none of these, so that nothing reads back here.
      return { type: 'exited', code: 0, stdout: saidBy(seen, nonce), stderr: '', truncated: false }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
  return await checkGates(session, plan, [], Date.now() + leftMs)
}

function saidBy({ drops = 0, invalid, gone = false }: Seen, nonce: string): string {
  const section = (name: string, text: string) =>
    `${nonce} begin ${JSON.stringify(name)} own\n${text}\n${nonce} end ${JSON.stringify(name)} 0\n`
  const hex = (count: number) => count.toString(16)
  const counters = (at: number, dropped: number, wrong: number) => {
    if (gone) return `file \n${at}.00 5.00\n`
    const [head, cells] = invalid === undefined ? ['', ''] : [' invalid', ` ${hex(wrong)}`]
    return `file /proc/net/stat/nf_conntrack\n${at}.00 5.00\nentries found drop insert_failed${head}\n61 0 ${hex(dropped)} 0${cells}\n`
  }
  return [
    section('counters-first', counters(100, 7, 5)),
    section('conntrack', gone ? 'exists /proc/net/dev\n' : TRACKING),
    section('counters-second', counters(102, 7 + drops, 5 + (invalid ?? 0))),
  ].join('')
}
