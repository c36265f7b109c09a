import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { TestSpecification, Vitest } from 'vitest/node'
import { LONG, LongestFirst } from './longest-first.ts'

const [longest = '', longer = ''] = LONG

test('the long ones of a project begin first, the longest before all; the order of projects stays', async () => {
  const written = [
    ['quick', 'test/small.test.ts'],
    ['slow', 'test/journeys/large.test.ts'],
    ['slow', longer],
    ['quick', longer],
    ['slow', longest],
  ] as const
  expect(await ordered(written)).toEqual([
    `quick ${longer}`,
    'quick test/small.test.ts',
    `slow ${longest}`,
    `slow ${longer}`,
    'slow test/journeys/large.test.ts',
  ])
})

test('each name on the list is a file', () => {
  expect(LONG.filter((name) => !existsSync(name))).toEqual([])
})

/** As vitest would ask for it, of files that it has never run. */
async function ordered(files: readonly (readonly [project: string, path: string])[]): Promise<readonly string[]> {
  const root = '/home/somebody/ctfleet'
  const projects = new Map(
    ['quick', 'slow'].map((name, groupOrder) => [name, { name, config: { isolate: true, sequence: { groupOrder } } }]),
  )
  const cache = { getFileTestResults: () => undefined, getFileStats: () => undefined }
  const sequencer = new LongestFirst({ config: { root }, cache } as unknown as Vitest)
  const asked = files.map(([project, path]) => ({ project: projects.get(project), moduleId: join(root, path) }))
  const sorted = await sequencer.sort(asked as unknown as TestSpecification[])
  return sorted.map(({ project, moduleId }) => `${project.name} ${moduleId.slice(root.length + 1)}`)
}
