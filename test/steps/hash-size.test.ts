import { fc, test as law } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { hashSize } from '../../src/steps/hash-size.ts'

function stateOf(printed: string) {
  const state = hashSize.read(printed, { buckets: 1 })
  if (!state.known) throw new Error(state.why)
  return state.value
}

const printed = (page: number, machine: string) =>
  `buckets 65536\npath /proc/sys/net/netfilter/nf_conntrack_buckets\npage KernelPageSize:        ${page} kB\nmachine ${machine}\n`

test.each([
  [4, 'x86_64', 50_000, 50_176],
  [4, 'x86_64', 50_176, 50_176],
  [64, 'aarch64', 50_000, 57_344],
  [4, 'i686', 50_000, 50_176],
  [4, 'i686', 1025, 2048],
  [4, 'x86_64', 1025, 1536],
  [4, 's390x', 1, 512],
])('pages of %d KiB on %s make %d buckets %d', (page, machine, wanted, buckets) => {
  expect(hashSize.goal(stateOf(printed(page, machine)), { buckets: wanted })).toMatchObject({ buckets })
})

law.prop([fc.nat({ max: 2 ** 28 }), fc.constantFrom(4, 16, 64), fc.constantFrom('x86_64', 'armv7l')])(
  'never fewer than asked for, less than a page more, and already right when asked for again',
  (wanted, page, machine) => {
    const now = stateOf(printed(page, machine))
    const goal = hashSize.goal(now, { buckets: wanted + 1 })
    if ('impossible' in goal) throw new Error(goal.impossible)
    expect(goal.buckets).toBeGreaterThan(wanted)
    expect(goal.buckets - wanted - 1).toBeLessThan(now.granule)
    expect(hashSize.goal(goal, { buckets: wanted + 1 })).toEqual(goal)
  },
)

test('no hash size, or none that can be written, is unknown with its cause', () => {
  expect(hashSize.read('page \nmachine x86_64\n', { buckets: 1 })).toMatchObject({
    why: expect.stringContaining('not loaded'),
  })
  expect(hashSize.read('buckets 65536\npage \nmachine x86_64\n', { buckets: 1 })).toMatchObject({
    why: expect.stringContaining('can be written'),
  })
})
