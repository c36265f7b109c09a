// The ranks of src, from the same table that test/structure.test.ts reads: import only from above your own line or from
// your own folder, no cycles, and every npm package in the rooms of its home.
const house = require('./test/structure/house.json')

const units = house.ranks.flat()
const contracts = units.filter((unit) => unit.includes('/'))

/** A room without the contracts that stand on a line of their own, or one file. */
const where = (unit) =>
  unit.includes('/') || unit === 'index'
    ? { path: `^src/${unit}[.]ts$` }
    : {
        path: `^src/${unit}/`,
        pathNot: contracts.filter((file) => file.startsWith(`${unit}/`)).map((file) => `^src/${file}[.]ts$`),
      }

const rankOf = (unit) => house.ranks.findIndex((line) => line.includes(unit))

const ranks = units.flatMap((from) =>
  units
    .filter((to) => to !== from && rankOf(to) >= rankOf(from))
    .map((to) => ({
      name: `${from} does not know ${to}`,
      severity: 'error',
      from: where(from),
      to: where(to),
    })),
)

const siblings = house.separateSiblings.map((room) => ({
  name: `files of ${room} do not know each other`,
  severity: 'error',
  from: { path: `^src/${room}/([^/.]+)`, pathNot: house.aggregators.map((name) => `^src/${room}/${name}[./]`) },
  to: { path: `^src/${room}/`, pathNot: [`^src/${room}/$1[/.]`, ...contracts.map((file) => `^src/${file}[.]ts$`)] },
}))

const homes = Object.entries(house.packageHomes).map(([name, rooms]) => ({
  name: `${name} is at home in ${rooms.join(' or ')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: rooms.map((room) => `^src/${room}/`) },
  to: { path: `^node_modules/(@types/)?${name}/` },
}))

const pure = {
  name: 'pure rooms do not reach outside',
  severity: 'error',
  from: { path: house.pure.map((unit) => where(unit).path) },
  to: { dependencyTypes: ['core'], path: house.outsideWorld.map((name) => `^(node:)?${name}(/|$)`) },
}

module.exports = {
  forbidden: [
    ...ranks,
    ...siblings,
    ...homes,
    pure,
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'every import is found', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'src needs no development dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '^node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
