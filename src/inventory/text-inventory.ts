import { extname } from 'node:path'
import { type Complaint, inReadingOrder } from '../input/complaint.ts'
import { isJsonMap } from '../model/json.ts'
import { jsonIn, readAnsibleTree } from './documents.ts'
import { EXAMPLE, EXPORT, firstFew, foreignText, isOtherText } from './foreign.ts'
import { readGroups } from './groups.ts'
import { readIni } from './ini.ts'
import { readGroupsOfScript } from './script-groups.ts'
import { complainIn, complaintAt, NOWHERE, type Written } from './written.ts'

/** Reads the text of an inventory file: YAML, JSON, INI or a plain list of hosts. Returns every mistake; never throws. */
export function readText(text: string, file: string, written: Written): readonly Complaint[] {
  const foreign = foreignText(text, file)
  if (foreign !== undefined) return [complaintAt(file, { line: 1, column: 1 }, [], foreign.message, foreign.hint)]
  const ofProgram = answerOfProgram(text)
  if (ofProgram !== undefined) {
    const complaints: Complaint[] = []
    readGroupsOfScript(ofProgram, file, written, (message) => complaints.push(complaintAt(file, NOWHERE, [], message)))
    return complaints
  }
  const isYaml = looksLikeYaml(text)
  if (isYaml || (EXTENSIONS_OF_YAML.includes(extname(file)) && !/^\[/.test(firstLine(text)))) {
    const read = readYaml(text, file, written)
    if (read.isInventory || isYaml) return read.complaints
  }
  const complaints: Complaint[] = []
  readIni(text, file, written, complainIn(file, complaints))
  // Of prose here and there a word is the name of a host.
  return written.hosts.size > 0 && isOtherText(text, complaints) ? firstFew(inReadingOrder(complaints)) : complaints
}

const EXTENSIONS_OF_YAML = ['', '.yaml', '.yml', '.json']

function readYaml(
  text: string,
  file: string,
  written: Written,
): { readonly isInventory: boolean; readonly complaints: readonly Complaint[] } {
  const tree = readAnsibleTree(text, file)
  if (tree.root === null) return { isInventory: false, complaints: tree.complaints }
  const complaints = [...tree.complaints]
  const complain = complainIn(file, complaints)
  const { root } = tree
  if (root.type !== 'map') {
    const empty = root.type === 'scalar' && root.value === null
    complain(root.at, [], empty ? 'names no host' : 'is not a map of groups', EXAMPLE)
    return { isInventory: empty, complaints: empty ? tree.complaints : complaints }
  }
  const plugin = root.entries.find(({ key, value }) => key === 'plugin' && value.type === 'scalar')
  if (plugin !== undefined)
    complain(plugin.keyAt, ['plugin'], 'configures a plugin of Ansible, and names no hosts itself', EXPORT)
  else readGroups(root, file, written, complain)
  return { isInventory: true, complaints }
}

/** What no INI begins with: `---`, a brace, a dash, a key. */
function looksLikeYaml(text: string): boolean {
  return /^(?:---|%YAML|\s*\{|\s*-\s|\s*['"]?[\w.-]+['"]?:(?:\s|$))/.test(firstLine(text))
}

/** The first that is neither empty nor a comment. */
function firstLine(text: string): string {
  return /^(?![^\S\n]*(?:[#;].*)?$).*/m.exec(text)?.[0] ?? ''
}

/** What `ansible-inventory --list` printed, kept in a file. */
function answerOfProgram(text: string) {
  const answer = jsonIn(text)
  return answer !== undefined && isJsonMap(answer) && '_meta' in answer ? answer : undefined
}
