import { expect, test } from 'vitest'
import { listeners } from '../../src/facts/listeners.ts'
import { known } from '../../src/model/reading.ts'
import { answers } from './answers.ts'

const HEADING = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'

test('who is connected, or half open, does not listen', () => {
  const sockets = [
    'readable x86_64',
    'file tcp',
    HEADING,
    '   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41123878 1 00000000a394c6e9',
    '   1: 0100007F:0050 0200007F:9C40 03 00000000:00000000 00:00000000 00000000     0        0 41123879 1 00000000a394c6ea',
    '   2: 0100007F:01BB 0200007F:9C41 01 00000000:00000000 00:00000000 00000000     0        0 41123880 1 00000000a394c6eb',
    '/proc/net/udp:  10: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0',
    '',
  ].join('\n')
  expect(listeners.parse(answers({ sockets })).sockets).toEqual(
    known([
      { protocol: 'tcp', address: '127.0.0.1', port: 22 },
      { protocol: 'udp', address: '127.0.0.1', port: 53 },
    ]),
  )
})
