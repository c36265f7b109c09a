import { fc, test as law } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { firstTwice } from '../../src/model/first-twice.ts'

law.prop([fc.array(fc.constantFrom('a', 'b', 'c', 'd', '', '__proto__'), { maxLength: 8 })])(
  'it is the first that stands further up already',
  (names) => {
    expect(firstTwice(names)).toBe(names.find((name, at) => names.indexOf(name) !== at))
  },
)

test('each name is looked at once, however long the list', () => {
  const names = Array.from({ length: 2000 }, (_, at) => `h${at}`)
  let looks = 0
  const counted = new Proxy(names, {
    get: (list, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks++
      return Reflect.get(list, key)
    },
  })
  expect(firstTwice(counted)).toBeUndefined()
  expect(looks).toBe(names.length)
})
