import type { Facts, PersistenceFile } from '../model/facts.ts'
import type { BoundStep } from '../playbook/bind.ts'

/** What else on the host has a say at boot or at a service's restart, as far as it bears on these steps. Sentences for a person. */
export function bootNotes({ persistence }: Facts, steps: readonly BoundStep[]): readonly string[] {
  const files = persistence.files.known ? persistence.files.value : []
  const written = steps.flatMap(({ kind, want }) => (kind === 'file' && isFile(want) ? [want] : []))
  const others = files.filter(({ path }) => !written.some((own) => own.path === path))
  const unloads = steps.some(({ kind }) => kind === 'kernel-modules')
  const changesRules = steps.some(({ kind }) => kind === 'firewall')
  const saving = persistence.savesOnStop.known ? persistence.savesOnStop.value : []
  return [
    ...written.flatMap(({ content }) => settingsIn(content).flatMap((key) => rivals(others, key))),
    ...(written.some(({ content }) => content.includes('hashsize=')) ? rivals(others, 'hashsize') : []),
    ...(unloads ? others.flatMap(loadingAgain) : []),
    ...(changesRules
      ? saving.map(
          (name) => `${name} writes the running rules to disk when it stops: after a reboot they would be there again`,
        )
      : []),
  ]
}

type FileWant = { readonly path: string; readonly content: string }

function isFile(want: unknown): want is FileWant {
  const file = want as Partial<FileWant> | null
  return typeof file === 'object' && file !== null && typeof file.path === 'string' && typeof file.content === 'string'
}

function settingsIn(content: string): readonly string[] {
  return content.split('\n').flatMap((line) => /^([a-z0-9_.]+) = /.exec(line)?.[1] ?? [])
}

function rivals(files: readonly PersistenceFile[], key: string): readonly string[] {
  return files
    .filter(({ lines }) => lines.some((line) => setsKey(line, key)))
    .map(({ path }) => `${path} sets ${key} too: at boot the file that is read last wins, and that may not be ours`)
}

/** `net.nf_conntrack_max` is another name of `net.netfilter.nf_conntrack_max`, and a slash may stand for a dot. */
function setsKey(line: string, key: string): boolean {
  if (/^\s*[#;]/.test(line)) return false
  if (key === 'hashsize') return /\bhashsize=/.test(line)
  const [written = ''] = line.split('=')
  const plain = written.trim().replace(/^-/, '').replaceAll('/', '.')
  return plain === key || (key === 'net.netfilter.nf_conntrack_max' && plain === 'net.nf_conntrack_max')
}

function loadingAgain({ path, lines }: PersistenceFile): readonly string[] {
  if (!path.includes('modules-load.d') && path !== '/etc/modules') return []
  return lines.some((line) => /^\s*(nf|ip)_conntrack/.test(line)) ? [`${path} loads conntrack again at boot`] : []
}
