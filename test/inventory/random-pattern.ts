import fc from 'fast-check'

/** An inventory that is all names, and patterns that are about them. */
export type PatternCase = { readonly inventory: string; readonly limits: readonly string[] }

const HOSTS = ['web-1', 'web-2', 'web-10', 'db-1', 'db1.example.com', 'lone', '::1', 'fd00:198:18::7']
const GROUPS = ['web', 'db', 'eu', 'web.all', 'idle']

const word = fc.constantFrom(...HOSTS, ...GROUPS, 'all', 'ungrouped', 'nobody')
const glob = fc.constantFrom(
  '*',
  'web*',
  'web-?',
  'web-[!1]',
  '[wd]*',
  '*1*',
  'al*',
  'ungr*',
  '*.example.com',
  'we[ab]-1',
  '*[a-d]*',
)
const regex = fc.constantFrom(
  '~web-\\d+',
  '~web-\\d+$',
  '~(web|db)-1',
  '~.*1$',
  '~(?!web).*',
  '~[a-e]',
  '~\\w+$',
  '~a',
  '~db\\d?\\.',
)
const subscript = fc.constantFrom(
  '[0]',
  '[1]',
  '[-1]',
  '[-2]',
  '[7]',
  '[0:1]',
  '[1:]',
  '[0:0]',
  '[1:1]',
  '[2:9]',
  '[01]',
  '[0-1]',
)
const counted = fc
  .tuple(fc.constantFrom('web', 'db', 'all', 'ungrouped', 'web-1', 'eu'), subscript)
  .map((both) => both.join(''))

/** No colon in it but in an IPv6 address, which Ansible keeps whole between commas only. */
const part = fc.oneof({ arbitrary: word, weight: 3 }, glob, regex, counted)
const sign = fc.constantFrom('', '', '', '&', '!')
const signed = fc.tuple(sign, part).map((both) => both.join(''))

const limit = fc.oneof(
  part,
  fc.array(signed, { minLength: 2, maxLength: 4 }).map((parts) => parts.join(',')),
  fc
    .array(
      signed.filter((text) => !/::/.test(text)),
      { minLength: 2, maxLength: 3 },
    )
    .map((parts) => parts.join(':')),
)

const someHosts = fc.subarray(HOSTS, { minLength: 0, maxLength: 6 })

/** Children of one level: the order in which Ansible goes deeper is that of a Python set. */
const inventory = fc
  .record({
    own: someHosts,
    groups: fc.tuple(...GROUPS.map(() => someHosts)),
    children: fc.subarray(['db', 'eu', 'idle']),
  })
  .map(({ own, groups, children }) => {
    const hosts = (names: readonly string[]) =>
      names.length === 0 ? '{}' : `{ ${names.map((name) => `"${name}": `).join(', ')} }`
    const lines = GROUPS.map((name, at) => {
      const below =
        name === 'web' && children.length > 0
          ? `, children: { ${children.map((child) => `${child}: `).join(', ')} }`
          : ''
      return `    ${name}: { hosts: ${hosts(groups[at] ?? [])}${below} }`
    })
    return `all:\n  hosts: ${hosts([...new Set(['lone', ...own])])}\n  children:\n${lines.join('\n')}\n`
  })

export const patternCase: fc.Arbitrary<PatternCase> = fc.record({
  inventory,
  limits: fc.array(limit, { minLength: 20, maxLength: 20 }),
})
