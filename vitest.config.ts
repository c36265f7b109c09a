import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

/**
 * Tests with a real sshd or a real kernel's rules: slow, and each in a lab of its own; and those that start hundreds of
 * processes, which cost many times as much where a worker has become large.
 */
const journeys = [
  'test/journeys/**/*.test.ts',
  'test/kernel/**/*.test.ts',
  'test/lab/**/*.test.ts',
  'test/laws/**/*.test.ts',
  'test/inventory/agreement.test.ts',
  'test/**/*-in-{process,shells}.test.ts',
  'test/transport/{bootstrap,ssh,ssh-config,become,jump,openssh,openssh-room}.test.ts',
  'test/firewall/{labels,packets,published-files,native-packets,nft-kernel}.test.ts',
  'test/mill/**/*.test.ts',
  'test/cli/{main,wrong-files}.test.ts',
  'test/store/{others,places}.test.ts',
  'test/{facts/script,journal/conversation,strategies/boot-unit}.test.ts',
]

/** Those of them that boot virtual machines, which take a processor each. */
const machines = [
  'test/journeys/{audit-vm,crash-vm,persist,playbooks-vm,schedule-vm,transaction-vm,vm-remedies}.test.ts',
]

const ofHosts = {
  globalSetup: ['./test/lab/setup.ts', './test/support/bundle.ts'],
  testTimeout: 180_000,
  hookTimeout: 600_000,
}

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    // One for all projects: vitest knows no other.
    sequence: { sequencer: LongestFirst },
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
          // As many as there are processors; vitest would leave one of two alone.
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...ofHosts, name: 'machines', include: machines, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      {
        test: {
          ...ofHosts,
          name: 'journeys',
          include: journeys,
          exclude: machines,
          // They wait more than they compute.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
