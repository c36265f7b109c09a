import { quoted } from '../input/complaint.ts'
import { complainAbout } from './checks.ts'

/** One host as it was typed; `port` and `user` are null where ssh is to know them. */
export type TypedHost = { readonly name: string; readonly user: string | null; readonly port: string | null }

/** Hosts as they are typed, one or more a line, with comments behind `#`; null where it is another kind of text. */
export function listedHosts(text: string): readonly TypedHost[] | null {
  const words = text.split(/\r?\n/).flatMap((line) => line.replace(/(?:^|\s)#.*/, '').split(/[\s,]+/))
  const all = words.filter((word) => word !== '')
  const isPlain = all.length > 0 && all.every((word) => typedHost(word) !== null)
  return isPlain ? typedHosts(all) : null
}

/**
 * `web-1`, `ops@db-1:2222`, `web-[1:3].example.com`, `[2001:db8::1]:2222`; several with commas between them.
 * @throws InputError for what is no name of a host
 */
export function typedHosts(words: readonly string[]): readonly TypedHost[] {
  const all = words.flatMap((word) => word.split(',')).filter((word) => word !== '')
  const hosts = all.map((word) => {
    const host = typedHost(word)
    if (host !== null) return host
    throw complainAbout(
      'init',
      `${quoted(word)} is no host`,
      'write web-1, ops@web-1, web-1:2222 or web-[1:3].example.com',
    )
  })
  const twice = hosts.find(({ name }, at) => hosts.findIndex((other) => other.name === name) < at)
  if (twice !== undefined) throw complainAbout('init', `${quoted(twice.name)} is named twice`, 'name each host once')
  return hosts
}

const NAME = '[A-Za-z0-9_](?:[A-Za-z0-9_.-]|\\[[A-Za-z0-9]+:[A-Za-z0-9]+(?::[0-9]+)?\\])*'
const SIX = '[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*'
const TYPED = new RegExp(`^(?:(?<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?:(?<name>${NAME}|${SIX})|\\[(?<six>${SIX})\\])$`)

function typedHost(word: string): TypedHost | null {
  const [, before, port] = /^(.*[^:]):(\d{1,5})$/.exec(word) ?? []
  const isPort = before !== undefined && (!before.includes(':') || /(?:\]|\[[^\]]*\][\w.-]*)$/.test(before))
  const { user, name, six } = TYPED.exec(isPort ? before : word)?.groups ?? {}
  const host = name ?? six
  if (host === undefined || (isPort && (Number(port) < 1 || Number(port) > 65_535))) return null
  return { name: host, user: user ?? null, port: isPort ? (port ?? null) : null }
}

/** The first lines of each inventory that is begun. */
export const HEAD = [
  "# An inventory for ctfleet, in Ansible's YAML format. What is understood of it: ctfleet inventory",
  '# The way to a host is that of ssh: ~/.ssh/config, the agent, keys, jump hosts, known_hosts.',
] as const

/** The text of an inventory that holds these hosts, with what else may be said of them as comments. */
export function inventoryOf(hosts: readonly TypedHost[]): string {
  return `${HEAD.join('\n')}

all:
  # Of all hosts; a group's own variables go before these, and a host's own before both.
  # vars:
  #   ansible_user: ops       # who logs in; without it whom ssh takes
  #   ansible_become: true    # root by sudo; where that asks for a password: ctfleet plan -K

  # children:
  #   web:
  #     hosts:
  #       web-[1:3].example.com:
  #     vars:
  #       ctfleet_pair: web     # hosts with the same word never change at the same time

  hosts:
${hosts.map(entryOf).join('\n')}
`
}

function entryOf({ name, user, port }: TypedHost): string {
  const key = /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) ? name : JSON.stringify(name)
  return [
    `    ${key}:`,
    ...(user === null ? [] : [`      ansible_user: ${JSON.stringify(user)}`]),
    ...(port === null ? [] : [`      ansible_port: ${port}`]),
  ].join('\n')
}

/** The example that comes with ctfleet, as a file that was begun with it. */
export function fromExample(example: string): string {
  return example.replace(/ Copy it to inventory\.yaml, or name it:[^\n]*/, ' Put your own hosts in place of these.')
}

/**
 * The same for a policy; an editor finds the schema where ctfleet is. What the example changes is commented out, so that a begun policy
 * judges as no policy does.
 */
export function fromPolicyExample(example: string, schemas: string): string {
  const begun = example
    .replace(/ Copy it to policy\.yaml, and name it:/, ' Name it:')
    .replace(/(?<=^# yaml-language-server: \$schema=)\S*(?=policy\.json$)/m, `${schemas}/`)
  let isExample = false
  const lines = begun.split('\n').map((line) => {
    if (/^\S/.test(line)) isExample = /^[a-z]/.test(line) && !line.startsWith('thresholds:')
    return isExample && line !== '' ? `# ${line}` : line
  })
  return lines.join('\n')
}
