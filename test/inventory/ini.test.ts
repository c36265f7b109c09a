import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { parseInventory } from '../../src/inventory/inventory.ts'

const HERE = { cwd: '/fleet', home: '/home/ada' }

// What is read is held against Ansible itself in agreement.test.ts.

test('an INI inventory tells where each of its values stands', () => {
  const { values, groups } = load('[web]\n  web-1   ansible_port=2222  team="a b"\n\n[web:vars]\nrack =  r1\n')
  expect([...(values.get('web-1') ?? [])]).toEqual([
    ['rack', { value: 'r1', at: 'hosts:5:9' }],
    ['ansible_port', { value: 2222, at: 'hosts:2:24' }],
    ['team', { value: 'a b', at: 'hosts:2:35' }],
  ])
  expect(groups.find(({ name }) => name === 'web')?.own).toEqual(['web-1'])
})

describe('mistakes', () => {
  const cases: readonly [what: string, text: string, told: string][] = [
    ['a port in words', 'a ansible_port=ssh', '1:16 ungrouped.a.ansible_port: expected a whole number, found "ssh"'],
    ['a misspelt variable', '[g]\na ansible_prot=1', '2:16 g.a.ansible_prot: ctfleet knows no variable "ansible_prot"'],
    ['a kind of section', '[g:hsots]\na', '1:1: "[g:hsots]" is no section'],
    ['a blank in a section', '[my group]\na', '1:1: "[my group]" is no section'],
    ['two hosts in a line', 'a b', '1:3 ungrouped.a: expected name=value, found "b"'],
    ['a variable without a value', '[g]\na\n[g:vars]\nx', '4:1 g: expected name=value, found "x"'],
    ['a quote that stays open', 'a x="y', '1:1 ungrouped: a quote (") is opened and not closed'],
    ['a colon behind a host', 'web-1 x=1\nall:\n', '2:1 ungrouped: "all:" ends in a colon'],
    ['a group that there is not', '[a:children]\nb\n', '2:1 a: there is no group "b"'],
    ['variables of no group', 'h\n[a:vars]\nx=1', '2:1: [a:vars] is about a group that there is not'],
    ['a circle', 'h\n[a:children]\nb\n[b:children]\na', '5:1 b: "a" would be inside itself'],
    ['all within a group', 'h\n[a:children]\nall', '3:1 a: `all` is above every group'],
    ['a range without an end', 'web[1:3', '1:1 ungrouped: "web[1:3" cannot be the name of a host'],
  ]
  test.each(cases)('%s', (_what, text, told) => {
    expect(messageOf(text)).toContain(`hosts:${told}`)
  })
})

test('reading is total: an inventory, or complaints with places', () => {
  const part = fc.constantFrom(
    '[',
    ']',
    'web',
    ':vars',
    ':children',
    '\n',
    '=',
    ' ',
    "'",
    '"',
    '#',
    '\\',
    '[1:3]',
    '{{x}}',
    ',',
    '(',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      try {
        expect(load(parts.join('')).groups.length).toBeGreaterThan(1)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        const { complaints } = error
        // Of what is another file altogether the question after the first mistakes is about the whole.
        const isAsked = complaints.at(-1)?.message.endsWith('is this the inventory that you meant?') === true
        const placed = isAsked && complaints.length === 4 ? complaints.slice(0, 3) : complaints
        expect(placed.every(({ line, column }) => line !== null && column !== null)).toBe(true)
      }
    }),
    { numRuns: 2000 },
  )
})

function load(text: string) {
  return parseInventory(text, 'hosts', HERE)
}

function messageOf(text: string): string {
  try {
    return `loaded ${load(text).hosts.length}`
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}
