import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml'
import type { Json } from '../model/json.ts'
import { type Complaint, type Position, quoted } from './complaint.ts'
import { type Dialect, plainValue } from './yaml-scalars.ts'

/** A YAML document with the position of everything in it. An alias is the very node that its anchor names. */
export type YamlNode = YamlScalar | YamlList | YamlMap

export type YamlScalar = {
  readonly type: 'scalar'
  readonly value: string | number | boolean | null
  /** As written, for a key that looks like a number. */
  readonly text: string
  readonly style: 'plain' | 'quoted' | 'block'
  /** An explicit tag that is not one of YAML's own: `!vault`. */
  readonly tag: string | null
  readonly at: Position
}
export type YamlList = {
  readonly type: 'list'
  readonly items: readonly YamlNode[]
  readonly tag: string | null
  readonly at: Position
}
export type YamlMap = {
  readonly type: 'map'
  readonly entries: readonly YamlEntry[]
  readonly tag: string | null
  readonly at: Position
}
export type YamlEntry = { readonly key: string; readonly keyAt: Position; readonly value: YamlNode }

/** `root` is null when the text is no YAML, and only then. */
export type YamlTree = { readonly root: YamlNode | null; readonly complaints: readonly Complaint[] }

const DEEPEST = 100
const FAR_TOO_DEEP = 1000

/**
 * Reads one YAML document; never throws. In the Ansible dialect plain values mean what PyYAML makes of them, `<<` merges, and
 * tags are left to the caller; in the core dialect a tag that is none of YAML's core is a mistake.
 * @param mayRepeat whether the key at this path may be there twice, and then counts as it is said last
 */
export function readYamlTree(
  text: string,
  file: string,
  dialect: Dialect = 'core',
  mayRepeat: Reader['mayRepeat'] = () => false,
): YamlTree {
  const lines = new LineCounter()
  const complain = ({ line, column }: Position, path: string, message: string, hint: string | null): Complaint => ({
    file,
    line,
    column,
    path,
    message,
    hint,
  })
  try {
    if (isFarTooDeep(text)) throw new RangeError('too deep')
    const document = parseDocument(text, {
      schema: 'failsafe',
      resolveKnownTags: false,
      uniqueKeys: false,
      prettyErrors: false,
      // 'silent' would also pass over a second document.
      logLevel: 'error',
      lineCounter: lines,
    })
    if (document.errors.some(({ message }) => /call stack/i.test(message))) throw new RangeError('too deep')
    const syntax = document.errors.map((error) => complain(positionIn(lines, error.pos[0]), '', ...explain(error)))
    if (syntax.length > 0) return { root: null, complaints: firstOfEachLine(syntax) }
    const complaints: Complaint[] = []
    const root = convert(document.contents, {
      dialect,
      mayRepeat,
      position: (offset) => positionIn(lines, offset),
      complain: (at, path, message, hint) => complaints.push(complain(at, path, message, hint)),
    })
    return { root, complaints }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const start = { line: 1, column: 1 }
    return { root: null, complaints: [complain(start, '', `nested more than ${DEEPEST} levels deep`, null)] }
  }
}

/** Beyond any doubt: the parser would run out of stack, and then not all that V8 does ends in an error that can be caught. */
function isFarTooDeep(text: string): boolean {
  let depth = 0
  for (const character of text.matchAll(/[[\]{}]/g)) {
    depth = character[0] === '[' || character[0] === '{' ? depth + 1 : Math.max(0, depth - 1)
    if (depth > FAR_TOO_DEEP) return true
  }
  return text.includes('- '.repeat(FAR_TOO_DEEP))
}

/** The plain value; where a key occurs twice, the last one counts. */
export function jsonOf(node: YamlNode): Json {
  switch (node.type) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(jsonOf)
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, jsonOf(value)]))
  }
}

/** `hosts.db-3.port`, `steps[0].sysctl`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    const name = /^[\w.*-]+$/.test(String(key)) ? String(key) : quoted(String(key))
    return text === '' ? name : `${text}.${name}`
  }, '')
}

type Reader = {
  readonly dialect: Dialect
  readonly mayRepeat: (path: readonly PropertyKey[]) => boolean
  readonly position: (offset: number) => Position
  readonly complain: (at: Position, path: string, message: string, hint: string | null) => void
}

/** Converts in the order of the text, so that an alias finds the anchor before it, and shares what it names. */
function convert(contents: ParsedNode | null, reader: Reader): YamlNode {
  const anchors = new Map<string, { node: YamlNode; size: number } | 'open'>()
  let written = 0
  let full = 0

  const emptyAt = (at: Position): YamlScalar => ({
    type: 'scalar',
    value: null,
    text: '',
    style: 'plain',
    tag: null,
    at,
  })

  const visit = (
    node: Node | null,
    path: readonly PropertyKey[],
    fallback: Position,
  ): { node: YamlNode; size: number } => {
    written++
    if (node === null) return { node: emptyAt(fallback), size: 1 }
    const at = node.range ? reader.position(node.range[0]) : fallback
    noForeignTag(node, path, at)
    if (path.length > DEEPEST) throw new RangeError('too deep')
    if (isAlias(node)) return alias(node.source, path, at)
    const anchor = 'anchor' in node && typeof node.anchor === 'string' ? node.anchor : undefined
    if (anchor !== undefined) anchors.set(anchor, 'open')
    const made = collection(node, path, at)
    if (anchor !== undefined) anchors.set(anchor, made)
    return made
  }

  /** Nobody here makes anything of it, and the text behind it would be taken for what was meant. In inventories some mean something. */
  const noForeignTag = (node: Node | null, path: readonly PropertyKey[], at: Position) => {
    const tag = node !== null && 'tag' in node && typeof node.tag === 'string' ? node.tag : '!'
    if (reader.dialect !== 'core' || tag === '!' || CORE_TAGS.has(tag)) return
    const message = `has the tag ${quoted(tag.replace(/^tag:yaml\.org,2002:/, '!!'))}, which means nothing here`
    reader.complain(at, pathText(path), message, 'write the plain value, without a tag')
  }

  const alias = (name: string, path: readonly PropertyKey[], at: Position) => {
    const target = anchors.get(name)
    if (target !== undefined && target !== 'open') return target
    if (reader.dialect === 'ansible') {
      // Passwords may begin with an asterisk: what stands behind it is not said.
      const message = target === 'open' ? 'stands inside what this * names' : 'this * names no anchor above it'
      reader.complain(at, pathText(path), message, 'put a value that begins with * in quotes')
    } else {
      const message =
        target === 'open' ? `*${name} stands inside what &${name} names` : `no anchor &${name} above this *${name}`
      reader.complain(at, pathText(path), message, null)
    }
    return { node: emptyAt(at), size: 1 }
  }

  const collection = (node: Node, path: readonly PropertyKey[], at: Position): { node: YamlNode; size: number } => {
    const tag = ownTag(node)
    if (isMap(node)) {
      let size = 1
      const merged: YamlEntry[] = []
      const entries = new Map<string, YamlEntry>()
      for (const pair of node.items) {
        const keyNode = pair.key as Node | null
        const keyAt = keyNode?.range ? reader.position(keyNode.range[0]) : at
        const key = keyText(keyNode)
        if (key === undefined) {
          reader.complain(keyAt, pathText(path), 'a key must be one plain word or text', null)
          continue
        }
        noForeignTag(keyNode, [...path, key], keyAt)
        const value = visit(pair.value as Node | null, [...path, key], keyAt)
        size += value.size
        if (key === '<<' && reader.dialect === 'ansible' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
          merged.push(...mergeOf(value.node, path, keyAt))
          continue
        }
        const first = entries.get(key)
        if (first !== undefined && !reader.mayRepeat([...path, key])) {
          const message = `${quoted(key)} is here twice, first in line ${first.keyAt.line}`
          reader.complain(keyAt, pathText([...path, key]), message, 'keep one of them')
        }
        entries.set(key, { key, keyAt, value: value.node })
      }
      for (const entry of merged) if (!entries.has(entry.key)) entries.set(entry.key, entry)
      full = Math.max(full, size)
      return { node: { type: 'map', entries: [...entries.values()], tag, at }, size }
    }
    if (isSeq(node)) {
      const items = node.items.map((item, index) => visit(item as Node | null, [...path, index], at))
      const size = items.reduce((sum, item) => sum + item.size, 1)
      full = Math.max(full, size)
      return { node: { type: 'list', items: items.map((item) => item.node), tag, at }, size }
    }
    return { node: scalar(node as Scalar, at, tag), size: 1 }
  }

  const mergeOf = (node: YamlNode, path: readonly PropertyKey[], at: Position): readonly YamlEntry[] => {
    if (node.type === 'map') return node.entries
    if (node.type === 'list') return node.items.flatMap((item) => mergeOf(item, path, at))
    reader.complain(at, pathText(path), '<< merges maps, and this is none', null)
    return []
  }

  const scalar = (node: Scalar, at: Position, tag: string | null): YamlScalar => {
    const text = typeof node.value === 'string' ? node.value : ''
    const style = node.type === 'PLAIN' ? 'plain' : node.type?.startsWith('BLOCK') ? 'block' : 'quoted'
    const typed = node.tag !== undefined && /^tag:yaml[.]org,2002:(?:int|float|bool|null)$/.test(node.tag)
    const asText = (style !== 'plain' && !typed) || (node.tag !== undefined && !typed)
    return { type: 'scalar', value: asText ? text : plainValue(text, reader.dialect), text, style, tag, at }
  }

  const root = visit(contents, [], { line: 1, column: 1 })
  // A few lines of aliases of aliases can stand for billions of nodes: nothing below may walk that.
  if (full > 10 * written + 10_000) {
    reader.complain(root.node.at, '', 'its aliases unfold to far more than is written', 'write out what they stand for')
    return emptyAt(root.node.at)
  }
  return root.node
}

/** Of YAML's failsafe and core schemas: https://yaml.org/spec/1.2.2/#chapter-10-recommended-schemas */
const CORE_TAGS: ReadonlySet<string> = new Set(
  ['map', 'seq', 'str', 'null', 'bool', 'int', 'float'].map((name) => `tag:yaml.org,2002:${name}`),
)

function keyText(node: Node | null): string | undefined {
  if (!isScalar(node)) return undefined
  return typeof node.value === 'string' && node.value !== '' ? node.value : undefined
}

function ownTag(node: Node): string | null {
  const tag = 'tag' in node && typeof node.tag === 'string' ? node.tag : null
  return tag === null || tag === '!' || tag.startsWith('tag:yaml.org,2002:') ? null : tag
}

function positionIn(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

/** One mistake makes the reader stumble again over what follows in its line. */
function firstOfEachLine(complaints: readonly Complaint[]): readonly Complaint[] {
  return [...new Map(complaints.toReversed().map((complaint) => [complaint.line, complaint])).values()].toReversed()
}

function explain({ code, message }: YAMLError): [message: string, hint: string | null] {
  // Some quote what stands there, which may be a password; the place is enough.
  const words = code === 'UNEXPECTED_TOKEN' || code === 'TAG_RESOLVE_FAILED' ? message.replace(/: .*$/s, '') : message
  // The reader tells an open bracket apart in words alone.
  if (code === 'BAD_INDENT' && /flow/i.test(message)) return ['a { or [ above is not closed', 'close it: } or ]']
  return PLAINER[code] ?? [words.charAt(0).toLowerCase() + words.slice(1), null]
}

const PLAINER: { readonly [Code in YAMLError['code']]?: [message: string, hint: string] } = {
  TAB_AS_INDENT: ['a tab indents this line', 'indent with spaces'],
  BAD_INDENT: ['this line is indented otherwise than its neighbours', 'give keys of one map the same number of spaces'],
  MULTILINE_IMPLICIT_KEY: ['no colon after this key', 'write `key: value`, with a space after the colon'],
  MULTIPLE_DOCS: ['a second document begins here', 'keep one: remove the `---` and what follows'],
  BAD_SCALAR_START: ['a plain value cannot begin so', 'put it in quotes'],
}
