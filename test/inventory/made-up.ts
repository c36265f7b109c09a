import fc from 'fast-check'

/** The files of an inventory that nobody would write: groups in groups, and the same few variables set all over. */
export type MadeUp = { readonly [name: string]: string }

const GROUPS = ['alpha', 'beta', 'gamma', 'delta', 'omega']
const HOSTS = ['h1', 'h2', 'h3', 'alpha']
const VARIABLES = ['a', 'b', 'c', 'ansible_group_priority']

const group = fc.constantFrom(...GROUPS)
const assignment = fc.record({ name: fc.constantFrom(...VARIABLES), value: fc.nat(9) })
const assignments = fc.array(assignment, { maxLength: 2 })

const host = fc
  .record({ name: fc.constantFrom(...HOSTS), group: fc.constantFrom('', ...GROUPS), vars: assignments })
  // Ansible would take the group of that name for the host, and put it into `ungrouped`.
  .filter(({ name, group: of }) => of !== '' || !GROUPS.includes(name))
const child = fc
  .tuple(group, group)
  .filter(([above, below]) => GROUPS.indexOf(above) < GROUPS.indexOf(below))
  .map(([above, below]) => ({ above, below }))
const beside = fc.record({
  at: fc.oneof(
    fc.constantFrom('all', 'ungrouped', ...GROUPS).map((name) => `group_vars/${name}`),
    fc.constantFrom(...HOSTS).map((name) => `host_vars/${name}`),
  ),
  kind: fc.constantFrom('', '.yml', '.json', '/one.yml', '/two'),
  vars: assignments,
})

/** @returns files by their names: `hosts`, in INI or in YAML, and what stands beside it */
export const madeUpInventory: fc.Arbitrary<MadeUp> = fc
  .record({
    hosts: fc.array(host, { minLength: 1, maxLength: 6 }),
    children: fc.array(child, { maxLength: 5 }),
    vars: fc.array(fc.tuple(fc.constantFrom('all', 'ungrouped', ...GROUPS), assignments), { maxLength: 5 }),
    files: fc.array(beside, { maxLength: 4 }),
    yaml: fc.boolean(),
  })
  .map(({ hosts, children, vars, files, yaml }) => {
    const declared = GROUPS.filter(
      (name) =>
        hosts.some((each) => each.group === name) ||
        children.some(({ above, below }) => above === name || below === name),
    )
    const known = vars.filter(([name]) => name === 'all' || name === 'ungrouped' || declared.includes(name))
    const inventory = yaml
      ? inYaml(declared, { hosts, children, vars: known })
      : inIni(declared, { hosts, children, vars: known })
    const beside = files.map(
      ({ at, kind, vars: own }) =>
        [`${at}${kind}`, kind === '.json' ? JSON.stringify(mapOf(own)) : yamlOf(own)] as const,
    )
    // A file and a directory of one name cannot both be.
    const fitting = beside.filter(
      ([name], index) =>
        !beside.slice(0, index).some(([other]) => other.startsWith(`${name}/`) || name.startsWith(`${other}/`)),
    )
    return { hosts: inventory, ...Object.fromEntries(fitting) }
  })

type Assignment = { readonly name: string; readonly value: number }
type Parts = {
  readonly hosts: readonly { readonly name: string; readonly group: string; readonly vars: readonly Assignment[] }[]
  readonly children: readonly { readonly above: string; readonly below: string }[]
  readonly vars: readonly (readonly [string, readonly Assignment[]])[]
}

function inIni(declared: readonly string[], { hosts, children, vars }: Parts): string {
  const line = ({ name, vars: own }: Parts['hosts'][number]) =>
    [name, ...own.map((each) => `${each.name}=${each.value}`)].join(' ')
  return [
    ...hosts.filter((each) => each.group === '').map(line),
    ...children.map(({ above, below }) => `[${above}:children]\n${below}`),
    ...declared.map((name) => [`[${name}]`, ...hosts.filter((each) => each.group === name).map(line)].join('\n')),
    ...vars.map(([name, own]) => [`[${name}:vars]`, ...own.map((each) => `${each.name} = ${each.value}`)].join('\n')),
    '',
  ].join('\n')
}

function inYaml(declared: readonly string[], { hosts, children, vars }: Parts): string {
  const groupOf = (name: string) => ({
    hosts: Object.fromEntries(hosts.filter((each) => each.group === name).map((each) => [each.name, mapOf(each.vars)])),
    children: Object.fromEntries(children.filter(({ above }) => above === name).map(({ below }) => [below, null])),
    vars: Object.assign({}, ...vars.filter(([of]) => of === name).map(([, own]) => mapOf(own))),
  })
  const all = { ...groupOf('all'), hosts: groupOf('').hosts }
  return JSON.stringify(
    Object.fromEntries([
      ['all', all],
      ['ungrouped', groupOf('ungrouped')],
      ...declared.map((name) => [name, groupOf(name)] as const),
    ]),
  )
}

function mapOf(own: readonly Assignment[]): { readonly [name: string]: number } {
  return Object.fromEntries(own.map(({ name, value }) => [name, value]))
}

function yamlOf(own: readonly Assignment[]): string {
  return Object.entries(mapOf(own))
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')
}

const odd = fc
  .tuple(
    fc.constantFrom('a', 'b', 'ansible_user'),
    fc.constantFrom('=', '=', '=', ' = ', '= '),
    fc.constantFrom(
      '1',
      'yes',
      'True',
      "'q'",
      '"q r"',
      "[1,'a']",
      '{"k":1}',
      'a#b',
      '5 # c',
      "'x",
      '\\n',
      "'\\n'",
      '1,2',
      '()',
      '007',
      '0x1f',
      '',
      '{{ x }}',
      "r'x'",
      '1e3',
      'a=b',
      'é',
    ),
  )
  .map((parts) => parts.join(''))

/** Lines as they stand in INI inventories, in any order, some of them wrong: Ansible then reads nothing, and ctfleet complains. */
export const oddIni: fc.Arbitrary<MadeUp> = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom('[g]', '[g:vars]', '[h]', '[h:children]', '[all:vars]', '[g:children]  # why'),
      },
      {
        weight: 6,
        arbitrary: fc
          .tuple(
            fc.constantFrom(
              'h1',
              'web[1:3]',
              'db[a:c]-[08:10]',
              'n[1:9:4].x',
              '10.0.0.[1:2]',
              'fd00::1',
              '[fd00::2]:22',
              'h2:2222',
              'g',
              'h',
            ),
            fc.array(odd, { maxLength: 2 }),
          )
          .map(([name, vars]) => [name, ...vars].join(' ')),
      },
      { weight: 3, arbitrary: odd },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '# c',
          ';c',
          '',
          '   ',
          'h1 # c',
          'h1#c',
          '[g]x',
          '[ g ]',
          'a b',
          'x = y = z',
          'x =',
          '"q 1"',
        ),
      },
    ),
    { maxLength: 9 },
  )
  .map((lines) => ({ hosts: `first\n${lines.join('\n')}\n[g]\n[h]\n` }))
