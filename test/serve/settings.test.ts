import fc from 'fast-check'
import { expect, test } from 'vitest'
import { timesOf } from '../../src/serve/cron.ts'
import { isName, rulesOf, usualName } from '../../src/serve/settings.ts'

const times = timesOf({ every: 600 })
if ('problem' in times) throw new Error(times.problem)
const known = times

test('whatever the inventory is called, the usual name of its schedule is one, and tells it from others', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 })
  fc.assert(
    fc.property(text, text, fc.array(text, { maxLength: 2 }), (one, other, more) => {
      expect(isName(usualName(one, more))).toBe(true)
      if (one !== other) expect(usualName(one, more)).not.toBe(usualName(other, more))
    }),
    { seed: 20261126 },
  )
  expect(usualName('/etc/ctfleet/web.yaml', [''])).toMatch(/^web-[0-9a-f]{6}$/)
})

test.each(['', '-a', 'a-', 'A', 'a/b', 'a b', 'a\n', 'a'.repeat(49), '..'])('%j is no name', (text) => {
  expect(isName(text)).toBe(false)
})

test('a begin is put off by less than the jitter, by the same after a restart, and differs between machines', () => {
  const schedule = { name: 'web', when: { every: 600 }, jitter: 300, catchUp: true }
  const here = rulesOf(schedule, known, 'a')
  const there = rulesOf(schedule, known, 'b')
  const dues = Array.from({ length: 200 }, (_, at) => at * 600_000)
  for (const due of dues) {
    expect(here.delayOf(due)).toBeGreaterThanOrEqual(0)
    expect(here.delayOf(due)).toBeLessThan(300_000)
    expect(rulesOf(schedule, known, 'a').delayOf(due)).toBe(here.delayOf(due))
  }
  expect(dues.filter((due) => here.delayOf(due) === there.delayOf(due)).length).toBeLessThan(5)
  expect(Math.max(...dues.map(here.delayOf)) - Math.min(...dues.map(here.delayOf))).toBeGreaterThan(200_000)
  expect(rulesOf({ ...schedule, jitter: 0 }, known, 'a').delayOf(600_000)).toBe(0)
})
