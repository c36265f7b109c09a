import { afterEach, expect, test } from 'vitest'
import { keyring } from '../../src/transport/keyring.ts'
import { answering } from '../../src/transport/openssh-answers.ts'
import { loginTrials } from '../../src/transport/trials.ts'
import { LOCALHOST } from './hosts.ts'

afterEach(() => keyring.empty())

test('a password that waits for what other hosts say of it keeps no other host from logging in', async () => {
  keyring.holdForAll({ login: 'a password of this test alone' })
  const account = { user: LOCALHOST.user, password: 'a password of this test alone' }
  const others = await Promise.all(['a', 'b', 'c'].map(async (place) => await loginTrials.begin(account, place)))
  const events: string[] = []
  const answers = answering({ ...LOCALHOST, name: 'waiting' }, [], () => events.push('gave its turn to others'))
  const question = {
    words: 'Password: ',
    tell: async () => void events.push('told'),
    decline: async () => void events.push('declined'),
  }
  const hearing = answers.hear(question, () => events.push('stopped'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(events).toEqual(['gave its turn to others'])
  for (const other of others) if ('end' in other) other.end('accepted')
  await hearing
  expect(events).toEqual(['gave its turn to others', 'told'])
  answers.end('accepted')
})
