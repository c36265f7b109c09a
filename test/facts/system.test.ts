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

const RANGE = '/proc/sys/net/ipv4/ip_local_port_range'
test.each([
  ['as most hosts have it', '32768\t60999', known({ first: 32_768, last: 60_999 })],
  ['widened', '1024 65535', known({ first: 1024, last: 65_535 })],
  ['turned round', '60999\t32768', unknown(`${RANGE} is not understood: "60999\\t32768"`)],
  ['no ports', '0\t70000', unknown(`${RANGE} is not understood: "0\\t70000"`)],
  ['one alone', '32768', unknown(`${RANGE} is not understood: "32768"`)],
])('the ports of its own connections, %s', (_, range, ports) => {
  expect(system.parse(answers({ system: `${RANGE}:${range}\n` })).clientPorts).toEqual(ports)
})

test('the ports of its own connections, not told', () => {
  const { clientPorts } = system.parse(answers({ system: 'machine x86_64\n' }))
  expect(clientPorts).toEqual(unknown(`${RANGE} could not be read`))
})
