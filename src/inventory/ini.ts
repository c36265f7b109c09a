import { type Position, quoted } from '../input/complaint.ts'
import type { YamlNode } from '../input/yaml-tree.ts'
import { expandHostNames } from './host-names.ts'
import { splitWords } from './ini-words.ts'
import { pythonLiteral } from './python-literal.ts'
import { isSecretName } from './variables.ts'
import { addChild, addGroup, addHost, type Complain, nodeOf, setVariable, type Written } from './written.ts'

type Section = { readonly group: string; readonly kind: 'hosts' | 'vars' | 'children' }
type Waiting = { readonly at: Position; readonly parents: string[] }
type Line = { readonly text: string; readonly at: Position; readonly path: readonly string[] }

/**
 * Reads Ansible's INI inventory, a plain list of hosts among them: `[group]`, `[group:vars]`, `[group:children]`, and before the
 * first of these hosts in no group. Values are Python literals where they can be. Never throws.
 * https://docs.ansible.com/ansible/latest/collections/ansible/builtin/ini_inventory.html
 */
export function readIni(text: string, file: string, written: Written, complain: Complain): void {
  const undeclared = new Map<string, Waiting>()
  const waiting = new Map<string, Waiting>()
  let section: Section = { group: 'ungrouped', kind: 'hosts' }

  const open = (title: string, at: Position): void => {
    const [, group, kind = 'hosts'] = SECTION.exec(title) ?? []
    if (group === undefined || !isKind(kind)) {
      const hint = 'write [group], [group:vars] or [group:children], without blanks in the name'
      complain(at, [], `${quoted(title)} is no section`, hint)
      section = { group: '', kind: 'hosts' }
      return
    }
    section = { group, kind }
    const known = written.groups.has(group)
    if (!known && kind === 'vars' && !waiting.has(group)) undeclared.set(group, { at, parents: [] })
    addGroup(written, group)
    if (kind === 'vars') return
    undeclared.delete(group)
    for (const parent of waiting.get(group)?.parents ?? []) join(parent, group, waiting.get(group)?.at ?? at)
    waiting.delete(group)
  }

  const join = (parent: string, child: string, at: Position): void => {
    if (addChild(written, parent, child)) return
    complain(
      at,
      [parent],
      `${quoted(child)} would be inside itself`,
      `groups form no circle: take it out of [${parent}:children]`,
    )
  }

  const child = ({ text, at }: Line): void => {
    const [, name] = /^([^:\]\s]+)\s*(?:#.*)?$/.exec(text) ?? []
    if (name === undefined) complain(at, [section.group], `${quoted(text)} is no name of a group`, 'one group a line')
    else if (name === 'all') complain(at, [section.group], '`all` is above every group', 'take it out of here')
    else if (written.groups.has(name)) join(section.group, name, at)
    else waiting.set(name, { at, parents: [...(waiting.get(name)?.parents ?? []), section.group] })
  }

  const variable = ({ text, at }: Line): void => {
    const equals = text.indexOf('=')
    if (equals < 0) {
      complain(at, [section.group], `expected name=value${foundIn(text, text)}`, null)
      return
    }
    const name = text.slice(0, equals).trim()
    const rest = text.slice(equals + 1)
    const column = at.column + equals + 1 + (rest.length - rest.trimStart().length)
    const value = literalAt(rest.trim(), { line: at.line, column })
    setVariable(written, section.group, name, { value, path: [section.group, name], file })
  }

  const hosts = ({ text, at }: Line): void => {
    const words = splitWords(text)
    if ('wrong' in words) {
      complain(at, [section.group], words.wrong, 'a quote or a blank inside of a value wants quotes around it')
      return
    }
    const [first = { text: '', column: 1 }, ...assignments] = words
    const expanded = namesIn(first.text)
    if ('wrong' in expanded) {
      if (isSecretName(text)) complain(at, [section.group], 'cannot be the name of a host', ONE_A_LINE)
      else complain(at, [section.group], expanded.wrong, expanded.hint)
      return
    }
    for (const { name, port } of expanded.hosts)
      addHost(written, { name, port, group: section.group }, { file, at, path: [section.group, first.text] })
    for (const { text: assignment, column } of assignments) {
      const equals = assignment.indexOf('=')
      const here = { line: at.line, column: at.column + column - 1 }
      if (equals < 0) {
        const hint = isSecretName(text)
          ? `${ONE_A_LINE} of it, without blanks around =; a value with blanks wants quotes around it`
          : `one host a line, and ${quoted(`${assignment}=value`)} for a variable of it`
        complain(here, [section.group, first.text], `expected name=value${foundIn(text, assignment)}`, hint)
        continue
      }
      const name = assignment.slice(0, equals)
      const value = literalAt(assignment.slice(equals + 1), { line: at.line, column: here.column + equals + 1 })
      const path = [section.group, first.text, name]
      for (const host of expanded.hosts) setVariable(written, host.name, name, { value, path, file })
    }
  }

  for (const [index, raw] of text.split(LINE_END).entries()) {
    const text = raw.trim()
    if (text === '' || text.startsWith('#') || text.startsWith(';')) continue
    const at = { line: index + 1, column: raw.length - raw.trimStart().length + 1 }
    if (text.startsWith('[') && (SECTION.test(text) || text.endsWith(']'))) open(text, at)
    else if (section.kind === 'vars') variable({ text, at, path: [] })
    else if (section.kind === 'children') child({ text, at, path: [] })
    else if (section.group !== '') hosts({ text, at, path: [] })
  }
  for (const [name, { at }] of undeclared)
    complain(at, [], `[${name}:vars] is about a group that there is not`, `name its hosts: [${name}]`)
  for (const [name, { at, parents }] of waiting)
    complain(at, parents.slice(0, 1), `there is no group ${quoted(name)}`, `begin it somewhere: [${name}]`)
}

const ONE_A_LINE = 'one host a line, and name=value for a variable'

/** A word of a line with a secret in it may be a part of that. */
function foundIn(line: string, word: string): string {
  return isSecretName(line) ? '' : `, found ${quoted(word)}`
}

/** Where Python ends a line. */
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/
const SECTION = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$/

function isKind(word: string): word is Section['kind'] {
  return word === 'hosts' || word === 'vars' || word === 'children'
}

function namesIn(pattern: string): ReturnType<typeof expandHostNames> {
  if (pattern.endsWith(':')) {
    const hint = 'this is INI, where a host stands alone; a YAML inventory begins with `all:`'
    return { wrong: `${quoted(pattern)} ends in a colon`, hint }
  }
  return expandHostNames(pattern)
}

function literalAt(text: string, at: Position): YamlNode {
  const literal = pythonLiteral(text)
  return nodeOf(literal === undefined ? text : literal.value, at)
}
