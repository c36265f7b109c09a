import { expect, test } from 'vitest'
import { pathsOf, sysctl } from '../../src/steps/sysctl.ts'

test('conntrack settings are looked for under the newest of their names first', () => {
  expect(pathsOf('net.netfilter.nf_conntrack_max')).toEqual([
    '/proc/sys/net/netfilter/nf_conntrack_max',
    '/proc/sys/net/ipv4/netfilter/ip_conntrack_max',
    '/proc/sys/net/nf_conntrack_max',
    '/proc/sys/net/ipv4/ip_conntrack_max',
  ])
  expect(pathsOf('net.netfilter.nf_conntrack_tcp_loose')).toEqual([
    '/proc/sys/net/netfilter/nf_conntrack_tcp_loose',
    '/proc/sys/net/ipv4/netfilter/ip_conntrack_tcp_loose',
  ])
  expect(pathsOf('net.core.somaxconn')).toEqual(['/proc/sys/net/core/somaxconn'])
})

test.each(['', 'net', '../etc/passwd', 'net.core.$(id)', 'net/core/x', 'net.core.x y', 'net..x', 'NET.core', 'a.b\nc'])(
  'the key %j is refused',
  (key) => expect(sysctl.want.safeParse({ key, value: 1 }).success).toBe(false),
)

test.each([-1, 1.5, '1', null])('the value %j is refused', (value) =>
  expect(sysctl.want.safeParse({ key: 'net.core.x', value }).success).toBe(false),
)

test('a setting of several numbers is not taken for one', () => {
  expect(
    sysctl.read('/proc/sys/net/ipv4/tcp_rmem 4096\t131072\t6291456\n', { key: 'net.ipv4.tcp_rmem', value: 1 }),
  ).toMatchObject({
    known: false,
  })
})

test('there and back are the same function with its arguments swapped', () => {
  const want = { key: 'net.core.somaxconn', value: 2 }
  const [one, two] = ['1', '2'].map((value) => ({ path: '/proc/sys/net/core/somaxconn', value }))
  if (one === undefined || two === undefined) throw new Error('unreachable')
  expect(sysctl.transition(one, two, want)).not.toEqual(sysctl.transition(two, one, want))
  expect(sysctl.goal(one, want)).toEqual(two)
})
