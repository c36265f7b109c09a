import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { loadInventory } from '../../src/inventory/inventory.ts'

test('every YAML file of public Ansible projects loads, or gets complaints with places', async (context) => {
  const folder = join(env.CTFLEET_CORPUS ?? '../shared/corpus', '05-inventories')
  context.skip(!existsSync(folder), `no corpus in ${folder}: name its folder in CTFLEET_CORPUS`)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ya?ml$/.test(name))
  expect(files.length).toBeGreaterThan(50)
  for (const name of files) {
    try {
      await loadInventory(join(folder, name), { here: { cwd: '/', home: '/root' } })
    } catch (error) {
      if (!(error instanceof InputError)) throw new Error(`${name} crashed`, { cause: error })
      // The question about a whole file has no line.
      const mistakes = error.complaints.filter(
        ({ message }) => !message.includes('is this the inventory that you meant?'),
      )
      const placed = mistakes.every(({ line, column }) => line !== null && column !== null)
      expect(placed || /no such file|directory/.test(error.message), `${name}: ${error.message}`).toBe(true)
    }
  }
})
