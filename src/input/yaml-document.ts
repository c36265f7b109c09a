import { type Complaint, inReadingOrder, type Position } from './complaint.ts'
import { checkAgainst, type SchemaComplaint, type z } from './schema.ts'
import { jsonOf, pathText, readYamlTree, type YamlNode } from './yaml-tree.ts'

export type YamlDocument<T> =
  | {
      readonly ok: true
      readonly value: T
      /**
       * Where the value at this path is written; of a path that is not there, its nearest ancestor.
       * @param offset of a text value: the place of this character of it (exact but for escapes and folded lines)
       */
      at(path: readonly PropertyKey[], offset?: number): Position
    }
  | { readonly ok: false; readonly complaints: readonly Complaint[] }

/** Reads a YAML document and checks it against a schema; never throws, and names every mistake, in reading order. */
export function parseYamlDocument<T>(text: string, file: string, schema: z.ZodType<T>): YamlDocument<T> {
  const { root, complaints } = readYamlTree(text, file)
  if (root === null) return { ok: false, complaints: inReadingOrder(complaints) }
  const checked = checkAgainst(schema, jsonOf(root))
  if (checked.ok && complaints.length === 0) {
    const lines = text.split('\n')
    return { ok: true, value: checked.value, at: (path, offset) => positionOf(root, path, offset ?? 0, lines) }
  }
  // What could not be read is mostly not what the schema wants either: of one place one thing is said.
  const said = new Set(complaints.map(placeText))
  const against = (checked.ok ? [] : checked.complaints.map((complaint) => placed(complaint, root, file))).filter(
    (complaint) => !said.has(placeText(complaint)),
  )
  return { ok: false, complaints: inReadingOrder([...complaints, ...against]) }
}

function placeText({ line, column, path }: Complaint): string {
  return JSON.stringify([line, column, path])
}

function placed({ path, key, message, hint }: SchemaComplaint, root: YamlNode, file: string): Complaint {
  const { line, column } = key === null ? nodeAt(root, path).at : keyPosition(root, path, key)
  return { file, line, column, path: pathText(key === null ? path : [...path, key]), message, hint }
}

function keyPosition(root: YamlNode, path: readonly PropertyKey[], key: string): Position {
  const map = nodeAt(root, path)
  const entry = map.type === 'map' ? map.entries.find((each) => each.key === key) : undefined
  return entry?.keyAt ?? map.at
}

function positionOf(root: YamlNode, path: readonly PropertyKey[], offset: number, lines: readonly string[]): Position {
  const node = nodeAt(root, path)
  const { line, column } = node.at
  if (node.type !== 'scalar' || offset === 0) return node.at
  const before = node.text.slice(0, offset).split('\n')
  const inLine = before.at(-1)?.length ?? 0
  if (node.style === 'quoted') return { line, column: column + 1 + offset }
  if (node.style === 'plain') return { line, column: column + offset }
  // The text of a block begins in the line below its `|`, behind the indentation.
  const at = line + before.length
  const indent = /^ */.exec(lines[at - 1] ?? '')?.[0].length ?? 0
  return { line: at, column: indent + inLine + 1 }
}

function nodeAt(root: YamlNode, path: readonly PropertyKey[]): YamlNode {
  let node = root
  for (const key of path) {
    const next: YamlNode | undefined =
      node.type === 'map'
        ? node.entries.find((entry) => entry.key === String(key))?.value
        : node.type === 'list'
          ? node.items[Number(key)]
          : undefined
    if (next === undefined) return node
    node = next
  }
  return node
}
