import { expect, test } from 'vitest'
import { wishFrom } from '../../src/cli/wish.ts'
import { InputError } from '../../src/input/complaint.ts'

const wish = async (ports: string | undefined) =>
  await wishFrom({ strategy: 'notrack', ports, nearFull: undefined, loggedWithin: undefined })

test('a port is one of the host itself unless it says @forward; both may be wanted', async () => {
  expect((await wish('80, 443/tcp@forward,443,53/udp@FORWARD')).ports).toEqual([
    { protocol: 'tcp', port: 80 },
    { protocol: 'tcp', port: 443 },
    { protocol: 'tcp', port: 443, forwarded: true },
    { protocol: 'udp', port: 53, forwarded: true },
  ])
  expect((await wish(undefined)).ports).toBeNull()
})

test.each(['@forward', '80@', '80@elsewhere', '70000@forward', '80@forward@forward', ''])(
  '%j is refused',
  async (text) => {
    await expect(wish(text)).rejects.toThrow(InputError)
  },
)
