/** What `ansible_ssh_common_args` says that matters to us. */
export type SshArguments = {
  readonly userKnownHostsFiles: readonly string[]
  readonly identityFiles: readonly string[]
}

/**
 * Reads the simple options out of ssh arguments. What only tunes ssh is passed over; what would lead to another machine
 * than we would reach without it (jump hosts, proxies, another configuration) is refused.
 */
export function readSshArguments(text: string): SshArguments | { readonly cannot: string; readonly hint: string } {
  const words = splitWords(text)
  const userKnownHostsFiles: string[] = []
  const identityFiles: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const flag = word.slice(0, 2)
    if (!['-o', '-i', '-J', '-F', '-W', '-p', '-l'].includes(flag)) continue
    const value = word.length > 2 ? word.slice(2) : (words[++at] ?? '')
    if (flag === '-i') identityFiles.push(value)
    else if (flag !== '-o') return refusal(flag)
    else {
      const [, name = '', setting = ''] = /^\s*(\w+)(?:\s*=\s*|\s+)(.*)$/s.exec(value) ?? []
      const option = name.toLowerCase()
      if (['proxyjump', 'proxycommand'].includes(option) && setting !== 'none') return refusal(name)
      if (['port', 'user', 'hostname'].includes(option)) return refusal(name)
      if (option === 'identityfile') identityFiles.push(setting)
      // Keys are checked strictly whatever is said here; a file that forgets them would only make every host unknown.
      if (option === 'userknownhostsfile')
        userKnownHostsFiles.push(...splitWords(setting).filter((file) => file !== '/dev/null'))
    }
  }
  return { userKnownHostsFiles, identityFiles }
}

function refusal(option: string): { cannot: string; hint: string } {
  const instead: { readonly [option: string]: string } = {
    '-p': 'write ansible_port instead',
    port: 'write ansible_port instead',
    '-l': 'write ansible_user instead',
    user: 'write ansible_user instead',
    hostname: 'write ansible_host instead',
  }
  const hint =
    instead[option] ??
    instead[option.toLowerCase()] ??
    'run ctfleet where these hosts can be reached directly, or leave them out of its inventory'
  return { cannot: option, hint }
}

function splitWords(text: string): readonly string[] {
  return [...text.matchAll(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs)].map(([word]) =>
    word.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_all, single, double, escaped) => single ?? double ?? escaped ?? '',
    ),
  )
}
