import { expect, test } from 'vitest'
import { onInventory } from '../../src/cli/options.ts'

test('inventories named one after the other are one text, in their order', () => {
  const command = onInventory('facts', 'what is read', 1)
  command.parse(['-i', 'prod', '--inventory', 'extra-1,', '-i', 'more/'], { from: 'user' })
  expect(command.opts().inventory).toBe('prod + extra-1, + more/')
})
