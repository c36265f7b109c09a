import { expect, test } from 'vitest'
import { programSaying } from '../../src/transport/openssh-program.ts'

test.each([
  ['OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026', { version: '9.2p1', tellsKey: true }],
  ['OpenSSH_10.2p1, OpenSSL 3.5.0', { version: '10.2p1', tellsKey: true }],
  ['OpenSSH_7.4p1, OpenSSL 1.0.2k-fips  26 Jan 2017', { version: '7.4p1', tellsKey: false }],
  ['OpenSSH_6.6.1p1, OpenSSL 1.0.1e-fips 11 Feb 2013', { cannot: expect.stringContaining('6.6.1p1') }],
  ['Dropbear v2022.83', { cannot: "the ssh in PATH here is not OpenSSH's" }],
  ['', { cannot: "the ssh in PATH here is not OpenSSH's" }],
])('of %j', (words, program) => {
  expect(programSaying(words)).toEqual(program)
})
