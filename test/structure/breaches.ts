import { posix } from 'node:path'
import ts from 'typescript'

/** The rules of the house, as `house.json` holds them; `.dependency-cruiser.cjs` reads the same file. */
export type House = {
  /** Highest first. A room is a folder of src; `room/file` takes one file (a contract) out of its room. */
  readonly ranks: readonly (readonly string[])[]
  /** Rooms whose files do not know each other, but for their contract. */
  readonly separateSiblings: readonly string[]
  /** File names that may import all siblings. */
  readonly aggregators: readonly string[]
  /** Rooms that never reach outside the process. */
  readonly pure: readonly string[]
  readonly outsideWorld: readonly string[]
  /** For each npm package, the rooms of which one file may import it. */
  readonly packageHomes: Readonly<Record<string, readonly string[]>>
  readonly packagesEverywhere: readonly string[]
  /** The one file that may end the process. */
  readonly exitFile: string
}

export type SourceFile = { readonly path: string; readonly text: string }

/** Every breach of the house rules as one sentence, in the order of the files. Paths are relative to the root, with `/`. */
export function breachesOf(files: readonly SourceFile[], house: House): readonly string[] {
  const read = files.map((file) => ({ path: file.path, ...contentsOf(file) }))
  return [
    ...read.flatMap(({ path }) => homelessFile(path, house)),
    ...read.flatMap(({ path, imports }) => imports.flatMap((target) => importBreach(path, target, house) ?? [])),
    ...read.flatMap(({ path, exits, consoles }) => terminalBreaches(path, { exits, consoles }, house)),
    ...sharedPackages(read, house),
  ]
}

function homelessFile(path: string, house: House): string[] {
  if (placeOf(path, house) !== undefined) return []
  return [`${path} is in no room of the house: give its folder a rank in test/structure/house.json`]
}

function importBreach(path: string, target: string, house: House): string | undefined {
  const from = placeOf(path, house)
  if (from === undefined) return undefined
  if (!target.startsWith('.')) return outsideBreach(path, from, { target, house })
  const targetPath = posix.join(posix.dirname(path), target)
  if (!targetPath.startsWith('src/')) return undefined
  const to = placeOf(targetPath, house)
  if (to === undefined) return `${path} imports ${targetPath}, which is in no room of the house`
  if (to.rank > from.rank) return `${path} imports ${targetPath}, but ${to.unit} stands below ${from.unit}`
  if (to.unit !== from.unit) {
    return to.rank < from.rank
      ? undefined
      : `${path} imports ${targetPath}, but ${to.unit} and ${from.unit} stand side by side`
  }
  if (!house.separateSiblings.includes(from.unit)) return undefined
  if (siblingOf(path) === siblingOf(targetPath) || house.aggregators.includes(siblingOf(path))) return undefined
  return `${path} imports ${targetPath}, but files of ${from.unit} do not know each other (only ${house.aggregators.join(' and ')} may)`
}

function outsideBreach(
  path: string,
  from: Place,
  { target, house }: { target: string; house: House },
): string | undefined {
  const name = packageOf(target)
  if (target.startsWith('node:')) {
    const reachesOut = house.pure.includes(from.unit) && house.outsideWorld.includes(name.slice('node:'.length))
    return reachesOut ? `${path} imports ${target}, but ${from.unit} is pure` : undefined
  }
  if (from.unit === 'model') return `${path} imports ${name}, but model imports nothing`
  if (house.packagesEverywhere.includes(name)) return undefined
  const rooms = house.packageHomes[name]
  if (rooms === undefined) return `${path} imports ${name}, which has no home: name one in test/structure/house.json`
  if (rooms.includes(path.split('/')[1] ?? '')) return undefined
  return `${path} imports ${name}, whose home is in ${rooms.join(' or ')}`
}

function terminalBreaches(path: string, seen: { exits: boolean; consoles: boolean }, house: House): string[] {
  const breaches: string[] = []
  if (seen.exits && path !== house.exitFile) {
    breaches.push(`${path} calls process.exit, which only ${house.exitFile} may: return a result or throw`)
  }
  if (seen.consoles && !path.startsWith('src/cli/')) {
    breaches.push(`${path} uses console, but only cli has a terminal: return data and let cli print it`)
  }
  return breaches
}

function sharedPackages(read: readonly { path: string; imports: readonly string[] }[], house: House): string[] {
  return Object.keys(house.packageHomes).flatMap((name) => {
    const homes = read.filter(({ imports }) => imports.some((target) => packageOf(target) === name))
    if (homes.length < 2) return []
    return `${name} is imported by ${homes.map(({ path }) => path).join(' and ')}, but a package has one home file: wrap it there`
  })
}

type Place = { readonly unit: string; readonly rank: number }

function placeOf(path: string, house: House): Place | undefined {
  const inside = path.slice('src/'.length).replace(/\.ts$/, '')
  const room = inside.split('/')[0] ?? ''
  const unit =
    house.ranks.flat().find((name) => name === inside) ?? (path.startsWith(`src/${room}/`) ? room : undefined)
  const rank = house.ranks.findIndex((line) => unit !== undefined && line.includes(unit))
  return unit === undefined || rank === -1 ? undefined : { unit, rank }
}

/** The part of a room that a file belongs to: `src/steps/sysctl.ts` and `src/steps/sysctl/write.ts` are both `sysctl`. */
function siblingOf(path: string): string {
  return path.split('/')[2]?.split('.')[0] ?? ''
}

function packageOf(target: string): string {
  return target.split('/', target.startsWith('@') ? 2 : 1).join('/')
}

function contentsOf({ path, text }: SourceFile): { imports: readonly string[]; exits: boolean; consoles: boolean } {
  const imports: string[] = []
  let exits = false
  let consoles = false
  const visit = (node: ts.Node): void => {
    const target = importTarget(node)
    if (target !== undefined) imports.push(target)
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      exits ||= node.expression.text === 'process' && node.name.text === 'exit'
      consoles ||= node.expression.text === 'console'
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2022))
  return { imports, exits, consoles }
}

function importTarget(node: ts.Node): string | undefined {
  let target: ts.Node | undefined
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) target = node.moduleSpecifier
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) target = node.argument.literal
  else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) target = node.arguments[0]
  return target !== undefined && ts.isStringLiteralLike(target) ? target.text : undefined
}
