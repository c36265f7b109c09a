import { expect, test } from 'vitest'
import { system } from '../../src/facts/system.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { answers } from './answers.ts'

const IP = '/proc/sys/net/ipv4/ip_forward'
const IP6 = '/proc/sys/net/ipv6/conf/all/forwarding'

test.each([
  ['a router', `${IP}:1\n${IP6}:1\n`, known(true), known(true)],
  ['a server', `${IP}:0\n${IP6}:0\n`, known(false), known(false)],
  ['a router that also listens to routers', `${IP}:1\n${IP6}:2\n`, known(true), known(true)],
  ['a kernel without IPv6', `${IP}:1\nipv6 absent\n`, known(true), known(false)],
  [
    'an answer without either',
    'machine x86_64\n',
    unknown(`${IP} could not be read`),
    unknown(`${IP6} could not be read`),
  ],
  ['nonsense', `${IP}:yes\nipv6 absent\n`, unknown(`${IP} is not understood: "yes"`), known(false)],
])('%s: whether it forwards', (_, output, ip, ip6) => {
  expect(system.parse(answers({ system: output })).forwarding).toEqual({ ip, ip6 })
})
