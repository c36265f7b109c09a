import { defineConfig } from 'vitest/config'
import { SlowestFirst } from './test/slowest-first.ts'

/** Tests with a real sshd or a real kernel's rules: slow, and each in a lab of its own. */
const journeys = [
  'test/journeys/**/*.test.ts',
  'test/kernel/**/*.test.ts',
  'test/lab/**/*.test.ts',
  'test/laws/**/*.test.ts',
  'test/inventory/agreement.test.ts',
  'test/transport/{ssh,become,jump,openssh}.test.ts',
  'test/firewall/{packets,native-packets,nft-kernel}.test.ts',
  'test/mill/**/*.test.ts',
]

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    sequence: { sequencer: SlowestFirst },
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: journeys,
          testTimeout: 10_000,
          // Loading what is tested anew for each file took a third of the time. So a test leaves nothing behind.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'journeys',
          include: journeys,
          globalSetup: ['./test/lab/setup.ts', './test/support/bundle.ts'],
          // They wait more than they compute. More at once would starve the virtual machines.
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
