import { expect, test } from 'vitest'
import { kernelLog } from '../../src/facts/kernel-log.ts'
import { answers } from './answers.ts'

const read = (output: string) => {
  const { tableFull } = kernelLog.parse(answers({ 'kernel-log': output }))
  return tableFull.known ? tableFull.value : tableFull.why
}
const HEAD = 'uptime 5000.00 9000.00\ndate 2026-01-02 00:10:00 +0100\n'

test.each([
  ['since 5.x', '[ 4990.100000] nf_conntrack: nf_conntrack: table full, dropping packet', 10],
  [
    'in a namespace',
    '[ 4000.000000] nf_conntrack: nf_conntrack: table full in netns 4026532593, dropping packet',
    1000,
  ],
  ['with a level', '<4>[ 4999.000000] ip_conntrack: table full, dropping packet.', 1],
  ['without times', 'ip_conntrack: table full, dropping packet.', null],
  ['after suspend, ahead of uptime', '[ 5003.000000] nf_conntrack: table full, dropping packet', 0],
])('dmesg %s', (_, line, newestAgeSeconds) => {
  expect(read(`file dmesg\n${HEAD}lines 7\n${line}\n`)).toEqual({ lines: 7, newestAgeSeconds })
})

test.each([
  ['this year', 'Jan  2 00:09:30 h kernel: [1.2] nf_conntrack: table full, dropping packet', 30],
  ['last year', 'Dec 31 23:10:00 h kernel: nf_conntrack: table full, dropping packet', 90_000],
  ['RFC 3339', '2026-01-01T23:00:00.5+00:00 h kernel: nf_conntrack: table full, dropping packet', 600],
  ['a day that is none', 'Xyz 99 23:10:00 h kernel: nf_conntrack: table full, dropping packet', null],
])('a log file, dated %s', (_, line, newestAgeSeconds) => {
  expect(read(`file /var/log/kern.log\n${HEAD}lines 1\n${line}\n`)).toEqual({ lines: 1, newestAgeSeconds })
})

test('a quiet log, a log that is refused, and namespaces that cannot be told apart', () => {
  expect(read('file dmesg\n')).toEqual({ lines: 0, newestAgeSeconds: null })
  expect(read('')).toBe('dmesg is refused to this user, and no log file of the kernel is readable')
  expect(read(`file dmesg\n${HEAD}netns \nlines 4\n`)).toMatch(/which one is ours/)
})
