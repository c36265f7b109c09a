import type { SshOption } from '../model/host.ts'

/** What words for `ssh` say of the way to a host. */
export type SshArguments = {
  /** In their order; of a keyword that is given twice the first counts. */
  readonly options: readonly SshOption[]
  readonly configFile?: string
}

/** Options of ssh(1) with a value, and the keyword that each stands for. What only tunes ssh is passed over. */
const KEYWORDS: { readonly [flag: string]: string } = {
  '-i': 'IdentityFile',
  '-J': 'ProxyJump',
  '-p': 'Port',
  '-l': 'User',
}
const WITH_VALUE = ['-B', '-b', '-c', '-D', '-E', '-e', '-I', '-L', '-m', '-O', '-Q', '-R', '-S', '-W', '-w']

/** Reads `ansible_ssh_common_args` and the like as ssh would. */
export function readSshArguments(text: string): SshArguments | { readonly cannot: string; readonly hint: string } {
  const words = splitWords(text)
  const options: SshOption[] = []
  let configFile: string | undefined
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const flag = word.slice(0, 2)
    const keyword = KEYWORDS[flag]
    if (keyword === undefined && flag !== '-o' && flag !== '-F' && !WITH_VALUE.includes(flag)) continue
    const value = word.length > 2 ? word.slice(2) : (words[++at] ?? '')
    if (keyword !== undefined) options.push({ keyword, value })
    else if (flag === '-F') configFile ??= value
    else if (flag === '-o') {
      const [, name, setting] = /^\s*(\w+)(?:\s*=\s*|\s+)(.*)$/s.exec(value) ?? []
      if (name === undefined || setting === undefined)
        return { cannot: `-o ${value}`, hint: 'write it as -o Keyword=value' }
      options.push({ keyword: name, value: setting })
    }
  }
  return configFile === undefined ? { options } : { options, configFile }
}

function splitWords(text: string): readonly string[] {
  return [...text.matchAll(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs)].map(([word]) =>
    word.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_all, single, double, escaped) => single ?? double ?? escaped ?? '',
    ),
  )
}
