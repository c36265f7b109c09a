import { expect, test } from 'vitest'
import type { Offer } from '../../src/transport/identities.ts'
import { type Offering, offering } from '../../src/transport/offering.ts'
import { newTrials, type Trials } from '../../src/transport/trials.ts'
import { LOCALHOST } from './hosts.ts'

/** A server that wants these proofs one after the other, and takes the keys of these names. */
type Server = {
  readonly wants: readonly (readonly string[])[]
  readonly keys?: readonly string[]
  readonly password?: string
  readonly asks?: readonly string[]
}
type Client = {
  readonly keys?: readonly string[]
  readonly agent?: readonly string[]
  readonly password?: string
  readonly prefers?: readonly string[]
  readonly trials?: Trials
}

test.each<[title: string, Client, Server, tried: string]>([
  ['a key that is taken', { keys: ['a', 'b'] }, { wants: [['publickey']], keys: ['b'] }, 'key a, key b: in'],
  ['no key at all', {}, { wants: [['publickey']] }, 'none: over'],
  [
    'a password after the keys, by a question first',
    { keys: ['a'], password: 'pw' },
    { wants: [['publickey', 'password', 'keyboard-interactive']], password: 'pw' },
    'key a, keyboard-interactive pw: in',
  ],
  [
    'a password where there is no key',
    { password: 'pw' },
    { wants: [['password']], password: 'pw' },
    'none, password pw: in',
  ],
  [
    'a wrong password, which is tried by one way only',
    { password: 'no' },
    { wants: [['password', 'keyboard-interactive']], password: 'pw' },
    'none, keyboard-interactive no: over',
  ],
  [
    'a question that does not come: the password goes the other way',
    { password: 'pw' },
    { wants: [['password', 'keyboard-interactive']], password: 'pw', asks: [] },
    'none, keyboard-interactive, password pw: in',
  ],
  [
    'a key, then a password',
    { keys: ['a', 'b'], password: 'pw' },
    { wants: [['publickey'], ['password']], keys: ['a'], password: 'pw' },
    'key a, password pw: in',
  ],
  [
    'a password, then a key that was shown too early',
    { keys: ['a'], password: 'pw' },
    { wants: [['password'], ['publickey']], keys: ['a'], password: 'pw' },
    'key a, password pw, key a: in',
  ],
  [
    'a key of the agent, then a password, though ssh2 keeps to itself that the key was taken',
    { agent: ['x', 'a'], password: 'pw' },
    { wants: [['publickey'], ['password']], keys: ['a'], password: 'pw' },
    'agent x, none, agent a, none, password pw: in',
  ],
  [
    'the agent’s key too early',
    { agent: ['a'], password: 'pw' },
    { wants: [['password'], ['publickey']], keys: ['a'], password: 'pw' },
    'agent a, none, password pw, agent a: in',
  ],
  [
    'a second proof that is not there',
    { keys: ['a'] },
    { wants: [['publickey'], ['password']], keys: ['a'] },
    'key a: over',
  ],
  [
    'many keys, which leave a try for the password',
    { keys: ['a', 'b', 'c', 'd', 'e', 'f'], password: 'pw' },
    { wants: [['publickey', 'password']], password: 'pw' },
    'key a, key b, key c, key d, password pw: in',
  ],
  [
    'an order of its own',
    { keys: ['a'], password: 'pw', prefers: ['password', 'publickey'] },
    { wants: [['publickey', 'password', 'keyboard-interactive']], keys: ['a'], password: 'pw' },
    'key a: in',
  ],
  [
    'no keys, where only passwords are preferred',
    { keys: ['a'], password: 'pw', prefers: ['password'] },
    { wants: [['publickey', 'password']], keys: ['a'], password: 'pw' },
    'none, password pw: in',
  ],
  [
    'a code that is asked for in place of a password',
    { password: 'pw' },
    { wants: [['keyboard-interactive']], password: 'pw', asks: ['Verification code: '] },
    'none, keyboard-interactive: cannot answer "Verification code: "',
  ],
  [
    'two questions at once',
    { password: 'pw' },
    { wants: [['keyboard-interactive']], password: 'pw', asks: ['Password: ', 'Code: '] },
    'none, keyboard-interactive: cannot answer "Password:  Code: "',
  ],
])('%s', async (_title, client, server, tried) => {
  expect((await login(client, server)).tried).toBe(tried)
})

test('a password that was refused elsewhere is not shown, and it is said why', async () => {
  const trials = newTrials()
  for (const place of ['a', 'b', 'c']) {
    const trial = await trials.begin({ user: 'root', password: 'no' }, place)
    if ('end' in trial) trial.end('refused')
  }
  const server = { wants: [['password', 'keyboard-interactive']], password: 'pw' }
  const byQuestion = await login({ password: 'no', trials }, server)
  expect(byQuestion.tried).toBe('none, keyboard-interactive: stopped')
  const byItself = await login({ password: 'no', trials }, { ...server, wants: [['password']] })
  expect(byItself).toMatchObject({
    tried: 'none: over',
    auth: { stopped: expect.stringContaining('refused by 3 hosts') },
  })
})

/** Plays ssh2's part: asks what is next until the server lets in or nothing is left. */
async function login(client: Client, server: Server): Promise<{ readonly tried: string; readonly auth: Offering }> {
  const tried: string[] = []
  const keys = [...(client.keys ?? []).map(keyOf), ...(client.agent ?? []).map(agentKeyOf)]
  const way = { ...LOCALHOST, ...(client.prefers === undefined ? {} : { preferredAuthentications: client.prefers }) }
  let deadEnd = false
  const onDeadEnd = () => {
    deadEnd = true
  }
  const course = { onWait: () => undefined, onGo: () => undefined, onDeadEnd }
  const auth = offering(way, { keys, password: client.password, trials: client.trials ?? newTrials() }, course)
  const tell = (how: string) => ({ tried: `${tried.join(', ')}: ${how}`, auth })
  let [at, heard, partial]: [number, readonly string[] | null, boolean | null] = [0, null, null]
  for (let tries = 0; tries < 20; tries++) {
    const method = await nextOf(auth, heard, partial)
    if (deadEnd) return tell('stopped')
    if (method === false) return tell('over')
    const wanted = server.wants[at] ?? []
    let [isRight, name] = [false, method.type as string]
    if (method.type === 'publickey' || method.type === 'agent') {
      const shown = 'key' in method ? method.key : method.agent
      const key = (shown as unknown as { readonly name: string }).name
      name = `${method.type === 'agent' ? 'agent' : 'key'} ${key}`
      isRight = wanted.includes('publickey') && (server.keys ?? []).includes(key)
      const held = keys.find((each) => each.name === key)?.held
      if (held !== undefined) held.signed = isRight
    } else if (method.type === 'password') {
      name = `password ${method.password}`
      isRight = wanted.includes('password') && method.password === server.password
    } else if (method.type === 'keyboard-interactive') {
      const asks = (server.asks ?? ['Password: ']).map((prompt) => ({ prompt, echo: false }))
      const answers = asks.length === 0 ? [] : await answersTo(method, asks, () => deadEnd)
      tried.push([name, ...(answers ?? [])].join(' '))
      if (auth.question !== null) return tell(`cannot answer ${JSON.stringify(auth.question)}`)
      if (answers === null) return tell('stopped')
      isRight = answers[0] === server.password && asks.length > 0
      name = ''
    }
    if (name !== '') tried.push(name)
    if (isRight) at += 1
    if (at === server.wants.length) return tell('in')
    // It says nothing of what became of the agent's keys.
    if (method.type !== 'agent') [heard, partial] = [server.wants[at] ?? [], isRight]
  }
  throw new Error(`no end of it: ${tried.join(', ')}`)
}

async function nextOf(auth: Offering, heard: readonly string[] | null, partial: boolean | null) {
  return await new Promise<Exclude<ReturnType<Offering['next']>, undefined>>((resolve) => {
    const now = auth.next(heard, partial, resolve)
    if (now !== undefined) resolve(now)
  })
}

async function answersTo(method: object, asks: unknown, isOver: () => boolean): Promise<readonly string[] | null> {
  const { prompt } = method as { readonly prompt: (...words: unknown[]) => void }
  return await new Promise((resolve) => {
    prompt('', '', '', asks, resolve)
    setTimeout(() => isOver() && resolve(null), 0)
  })
}

function keyOf(name: string): Extract<Offer, { method: unknown }> {
  return { name, method: { type: 'publickey', username: 'root', key: { name } as never } }
}

function agentKeyOf(name: string): Extract<Offer, { method: unknown }> {
  const held = { name, signed: false } as never
  return { name, method: { type: 'agent', username: 'root', agent: held }, held }
}
