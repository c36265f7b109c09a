import { expect, test } from 'vitest'
import { leavesUntracked } from '../../src/firewall/leaves-untracked.ts'

test.each([
  ['-p udp -m udp --dport 53 -j CT --notrack', true],
  ['-p udp -m udp --dport 53 -j NOTRACK', true],
  ['udp dport 53 notrack comment "ctfleet:notrack:0123456789"', true],
  // Twins carry the same comment, and let in what the others leave untracked.
  ['-p tcp -m comment --comment ctfleet:notrack:0123456789 -j ACCEPT', false],
  ['-p tcp -m comment --comment "NOTRACK \\" notrack" -j ACCEPT', false],
  ['-p tcp -m string --string " notrack " --algo bm -j DROP', false],
  ['tcp dport 80 accept comment "no notrack here"', false],
  ['-p udp -j notrack', false],
  ['udp dport 53 jump notrack', false],
  ['-p udp -j CT --zone 1', false],
])('%s: %s', (spec, untracks) => {
  expect(leavesUntracked({ spec })).toBe(untracks)
})
