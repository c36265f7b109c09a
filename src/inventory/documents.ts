import type { Complaint } from '../input/complaint.ts'
import { readTextFile } from '../input/text-file.ts'
import { readYamlTree, type YamlMap, type YamlNode, type YamlTree } from '../input/yaml-tree.ts'
import type { Json } from '../model/json.ts'
import { isRead } from './variables.ts'
import { isVault, openVault, type VaultPassword } from './vault.ts'
import { complaintAt } from './written.ts'

/** The text of a file, out of its vault where it is one. */
export type Opened = { readonly text: string; readonly secret: boolean } | { readonly sealed: string }

/** @throws InputError where the file cannot be read. */
export function readOpened(path: string, passwords: readonly VaultPassword[]): Opened {
  const text = readTextFile(path)
  if (!isVault(text)) return { text, secret: false }
  const opened = openVault(text, passwords)
  return 'text' in opened ? { text: opened.text, secret: true } : opened
}

/** YAML as PyYAML reads it, or JSON: Ansible takes for JSON whatever is JSON, so that `1e3` is a number there. */
export function readAnsibleTree(
  text: string,
  file: string,
  mayRepeat?: (path: readonly PropertyKey[]) => boolean,
): YamlTree {
  return readYamlTree(text, file, jsonIn(text) === undefined ? 'ansible' : 'core', mayRepeat)
}

/** Undefined where the text is no JSON. */
export function jsonIn(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A file of variables: a map, or nothing. */
export function readVariables(
  text: string,
  file: string,
): { readonly entries: YamlMap['entries'] } | { readonly complaints: readonly Complaint[] } {
  // Ansible only warns of a key that is there twice, and what ctfleet does not read is none of its business.
  const { root, complaints } = readAnsibleTree(text, file, (path) => path.length > 1 || !isRead(String(path[0])))
  if (root === null || complaints.length > 0) return { complaints }
  if (root.type === 'map') return { entries: root.entries }
  if (isNothing(root)) return { entries: [] }
  const hint = 'write `name: value`, one a line'
  return { complaints: [complaintAt(file, root.at, [], 'is not a map of variables', hint)] }
}

/** What Ansible takes for an empty file. */
function isNothing(node: YamlNode): boolean {
  if (node.type === 'list') return node.items.length === 0
  return (
    node.type === 'scalar' && (node.value === null || node.value === '' || node.value === false || node.value === 0)
  )
}
