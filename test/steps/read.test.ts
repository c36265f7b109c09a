import { fc, test as law } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { acceptPort, edit } from '../support/rules.ts'

/** One checked wish for each kind; what a probe prints is the host's, so nothing is too strange to be read. */
const WANTS: { readonly [kind: string]: Parameters<(typeof STEP_KINDS)[number]['read']>[1] } = {
  sysctl: { key: 'net.netfilter.nf_conntrack_max', value: 1 },
  'hash-size': { buckets: 1 },
  'kernel-modules': { unload: ['nf_conntrack'] },
  firewall: { edits: [edit({ spec: acceptPort(1, 'k'), key: 'k' })] },
  'flush-entries': { protocol: 'tcp', ports: [80], addresses: ['10.0.0.1'] },
  file: { path: '/etc/x.conf', content: '' },
  'rules-file': {
    files: [
      {
        path: '/etc/iptables/rules.v4',
        reads: 'nft',
        family: 'ip',
        made: false,
        before: { sha256: '0'.repeat(64), cksum: '1 1' },
        after: { sha256: '1'.repeat(64), cksum: '2 2' },
        hunks: [],
        rules: [{ action: 'add', key: 'k', line: '-A INPUT' }],
      },
    ],
  },
  symlink: { path: '/etc/x.wants/x.service', target: '/etc/x.service' },
}

const piece = fc.oneof(
  fc.string(),
  fc.constantFrom(
    ...[
      '\n',
      ' ',
      ':',
      '.',
      'end\n',
      'yes',
      'no',
      'k ',
      'k yes',
      'present 644 0:0\n',
      'absent\n',
      'buckets ',
      '9'.repeat(20),
    ],
    ...[
      'path /sys/x',
      'page KernelPageSize: 0 kB',
      'module ',
      'hashsize ',
      '/proc/sys/net/x:',
      '__proto__',
      'some\n',
      '\0',
    ],
  ),
)

describe.each(STEP_KINDS)('$kind', (kind) => {
  law.prop([fc.array(piece, { maxLength: 12 })])('reads anything, or says why it cannot', (pieces) => {
    const reading = kind.read(pieces.join(''), WANTS[kind.kind] ?? null)
    if (reading.known) expect(JSON.parse(JSON.stringify(reading.value))).toEqual(reading.value)
    else expect(reading.why).not.toBe('')
  })

  test('of nothing nothing is read', () => {
    expect(kind.read('', WANTS[kind.kind] ?? null)).toMatchObject({ known: false })
  })

  test('a wish on record that the schema would not take is a step of another ctfleet, and no bug', () => {
    const want = { made: 'by another version' }
    expect(kind.read('', want)).toEqual({ known: false, why: expect.stringContaining('another ctfleet planned it') })
    expect(kind.show({}, want)).toEqual([])
    expect(kind.relief({ want, before: {}, after: {} })).toBeNull()
  })

  test('has a checked wish here', () => {
    expect(kind.bind(WANTS[kind.kind])).toHaveLength(1)
  })
})
