import { expect, test } from 'vitest'
import { checkRequirement, computeVars, notesFor } from '../../src/playbook/bind.ts'
import { parsePlaybook } from '../../src/playbook/parse.ts'
import { becauseOf, firstAidOf, sentenceOf } from '../../src/playbook/sentence.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'

const VIEW = { bindings: { facts: { conntrack: { max: 1_240_000 } } }, whyUnknown: new Map() }

test('numbers in a sentence stand in groups of three, and what is to be typed stays as it is', () => {
  expect(sentenceOf(['a table of ', 1_240_000, ' entries takes ', 378.5, ' MiB'])).toBe(
    'a table of 1\u202f240\u202f000 entries takes 378.5 MiB',
  )
  expect(sentenceOf('sysctl -w net.netfilter.nf_conntrack_max=1240000')).toBe(
    'sysctl -w net.netfilter.nf_conntrack_max=1240000',
  )
})

test('what is no sentence is none', () => {
  expect([undefined, null, true, {}, [], '', [''], ['a', null]].map(sentenceOf)).toEqual(Array(8).fill(null))
})

test('a requirement and a note may give their parts; why a value is so, and first aid, are found by name', () => {
  const say = `{ cel: '["max is ", facts.conntrack.max]' }`
  const text = `name: a
title: A
vars:
  max: { cel: facts.conntrack.max }
  max_because: ${say}
  first_aid: type this
requires:
  - when: facts.conntrack.max < 2
    otherwise: ${say}
notes:
  - say: ${say}
steps:
  - file: {path: /etc/a, content: b}
`
  const playbook = parsePlaybook(text, 'a.yaml', STEP_KINDS)
  const { vars, view } = computeVars(playbook, VIEW)
  const [requirement] = playbook.requires
  if (requirement === undefined) throw new Error('it has one')
  const said = 'max is 1\u202f240\u202f000'
  expect(checkRequirement(requirement, view)).toEqual({ type: 'unmet', reason: said })
  expect(notesFor(playbook, view)).toEqual([said])
  expect([becauseOf(vars, 'max'), becauseOf(vars, 'min'), firstAidOf(vars)]).toEqual([said, null, 'type this'])
})
