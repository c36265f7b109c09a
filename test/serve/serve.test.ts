import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { timesOf } from '../../src/serve/cron.ts'
import type { Address } from '../../src/serve/pages.ts'
import { type Service, serve } from '../../src/serve/serve.ts'
import { ownState } from '../support/own-state.ts'

const state = ownState()
const times = timesOf({ every: 6 * 3600 })
if ('problem' in times) throw new Error(times.problem)
const rules = { times, catchUp: true, delayOf: () => 0 }

test('whatever ends it, its pages end with it: nobody is told for ever how it stood', async () => {
  let at: Address | undefined
  const service: Service = {
    schedule: 'web',
    rules,
    lease: 60_000,
    by: 'me',
    state: state(),
    store: {
      latest: async () => null,
      claim: async () => 'mine',
    } as unknown as Service['store'],
    pagesStore: { newestDue: async () => null, loadAudit: async () => ({ type: 'none' }) },
    audit: () => new Promise<never>(() => undefined),
    notify: null,
    listen: { host: '127.0.0.1', port: 0 },
    tell: (news) => {
      if (news.type === 'listening') at = news.at
      else throw new Error('the log is full')
    },
  }
  await expect(serve(service, new AbortController().signal)).rejects.toThrow('the log is full')
  if (at === undefined) throw new Error('it did not listen')
  const socket = connect(at)
  await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED')
})
