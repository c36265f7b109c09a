import { defineConfig } from 'vitest/config'

/** Tests that log in to real hosts on this machine: one after the other, since they share its network and its cores. */
const journeys = ['test/journeys/**/*.test.ts', 'test/lab/**/*.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: journeys,
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'journeys',
          include: journeys,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
