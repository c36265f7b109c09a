import { expect, test } from 'vitest'
import { stepsOf } from '../../src/run/judge-host.ts'

test('a plan never leaves out a step without a word, even where its kind is not known', () => {
  const max = { kind: 'sysctl', want: { key: 'net.netfilter.nf_conntrack_max', value: 5 }, name: null }
  expect(stepsOf({ steps: [max] })).toHaveLength(1)
  expect(() => stepsOf({ steps: [max, { kind: 'magic', want: {}, name: null }] })).toThrow(
    'there is no step kind magic',
  )
})
