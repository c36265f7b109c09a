import { expect, test } from 'vitest'
import { type TrendWords, trendCommand } from '../../src/cli/commands/trend.ts'
import type { Sample } from '../../src/model/history.ts'
import { historyDatabase } from '../../src/store/history-database.ts'
import { aSample } from '../store/audit-on-record.ts'
import { desk } from '../support/desk.ts'
import { ownState } from '../support/own-state.ts'

const state = ownState()

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

/** Hour by hour, so many hours long, until now. */
async function keep(hours: number, sample: (hoursAgo: number) => Partial<Sample>): Promise<void> {
  const samples = Array.from({ length: hours + 1 }, (_, at) => aSample(hoursAgo(hours - at), sample(hours - at)))
  await historyDatabase(state(), () => {}).keepSamples(samples)
}

async function trend(words: Partial<TrendWords> = {}) {
  const { terminal, printed, said } = desk()
  const typed = { host: undefined, inventoryOption: undefined, since: '30d', format: 'text', ...words }
  const code = await trendCommand(typed, terminal)
  return {
    code,
    text: printed.join('\n'),
    flat: printed.join(' ').replaceAll(/[\s\u202f]+/g, ' '),
    said: said.join('\n'),
  }
}

test('hosts stand in the order in which they will be full, a sparkline each', async () => {
  await keep(240, (hours) => ({ host: 'level-1', entries: 50_000 + (hours % 7) }))
  await keep(240, (hours) => ({ host: 'grows-1', entries: 220_000 - 500 * hours }))
  await keep(240, () => ({ host: 'full-1', entries: 262_144 }))
  await keep(2, () => ({ host: 'new-1', entries: 200_000 }))
  const { code, text, flat } = await trend()
  expect(code).toBe(0)
  expect(text.match(/^\S+-1/gm)).toEqual(['full-1', 'grows-1', 'new-1', 'level-1'])
  expect(text).toMatch(/^grows-1 {2}[▁-█]{24} {2}now 84/m)
  expect(flat).toContain('full in about 4 d')
  expect(flat).toContain('no forecast: 3 readings over 2 h; needed: 5 whole days')
  expect(flat).toMatch(/level-1 ▂{24} now 19 %, peak 19 %, no drops in 10 d; not full within 18 d/)
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('one host is shown with all that its forecast rests on', async () => {
  await keep(240, (hours) => ({
    entries: 220_000 - 500 * hours,
    boot: hours > 200 ? 'a' : 'b',
    drops: hours > 200 ? 0 : hours > 100 ? 1000 : 1234,
  }))
  const { flat } = await trend({ host: 'web-1' })
  expect(flat).toMatch(/^web-1 of \/srv\/hosts\.yaml/)
  expect(flat).toMatch(/split restarted before \d{4}-/)
  expect(flat).toContain('234 dropped in 9 d 23 h (of 1 h more nothing is known)')
  expect(flat).toContain('pace +12 000 entries a day (+12 000 to +12 000, 90 % sure), from 8 daily peaks since')
})

test('JSON has every host with numbers to reckon with', async () => {
  await keep(240, (hours) => ({ entries: 220_000 - 500 * hours }))
  const document = JSON.parse((await trend({ format: 'json' })).text)
  expect(document).toMatchObject({
    version: 1,
    hosts: [
      {
        host: 'web-1',
        readings: 241,
        now: { entries: 220_000, max: 262_144 },
        forecast: { type: 'fills', perDay: 12_000, basis: { of: 'days' }, likely: expect.stringMatching(/Z$/) },
        lost: { packets: 0, uncovered: 0 },
      },
    ],
  })
})

test('a name that several inventories have is told apart by them, and no other is', async () => {
  await keep(1, () => ({ host: 'web-1' }))
  await keep(1, () => ({ host: 'web-1', inventory: '/srv/other.yaml' }))
  await keep(1, () => ({ host: 'web-2', inventory: '/srv/other.yaml' }))
  const flat = (await trend()).text.replace(/\s+/g, ' ')
  expect(flat.match(/web-1 \S+ in (\S+): now/g)).toHaveLength(2)
  expect(flat).toMatch(/web-1 \S+ in \/srv\/other\.yaml: now/)
  expect(flat).toMatch(/web-2 \S+ now/)
})

test('--since and --inventory choose, and what is not on record says where readings come from', async () => {
  await keep(1, () => ({ host: 'web-1' }))
  await keep(1, () => ({ host: 'web-2', inventory: '/srv/other.yaml' }))
  expect((await trend({ inventoryOption: '/srv/other.yaml' })).text).toMatch(/^web-2/)
  const none = await trend({ inventoryOption: '/srv/none.yaml', since: '2h' })
  expect(none.text).toBe(`No reading of the last 2h in ${state()}.`)
  expect(none.said).toContain('ctfleet audit')
  await expect(trend({ host: 'web-3' })).rejects.toThrow(/no reading of this host in the last 30d/)
  await expect(trend({ since: 'always', format: 'xml' })).rejects.toThrow(/--since[\s\S]*--format/)
})

test('a hostile name is shown and not obeyed', async () => {
  await keep(1, () => ({ host: 'web\u001b[31m\u202e-1' }))
  const { text } = await trend()
  expect(text).toContain('web\\x1b[31m\\u{202e}-1')
})
