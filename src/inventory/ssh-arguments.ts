import type { SshOption } from '../model/host.ts'

/** What words for `ssh` say of the way to a host. */
export type SshArguments = {
  /** In their order; of a keyword that is given twice the first counts. */
  readonly options: readonly SshOption[]
  readonly configFile?: string
  /** Options that ask for what ctfleet does not do: `-L`. */
  readonly unfollowed: readonly string[]
}

/** Options of ssh(1) with a value, and the keyword that each stands for. */
const KEYWORDS: { readonly [flag: string]: string } = {
  '-i': 'IdentityFile',
  '-J': 'ProxyJump',
  '-p': 'Port',
  '-l': 'User',
  '-b': 'BindAddress',
  '-B': 'BindInterface',
  '-c': 'Ciphers',
  '-m': 'MACs',
  '-I': 'PKCS11Provider',
}
/** Those without one that say how one connects. */
const SWITCHES: { readonly [flag: string]: SshOption } = {
  '4': { keyword: 'AddressFamily', value: 'inet' },
  '6': { keyword: 'AddressFamily', value: 'inet6' },
  A: { keyword: 'ForwardAgent', value: 'yes' },
  a: { keyword: 'ForwardAgent', value: 'no' },
  K: { keyword: 'GSSAPIAuthentication', value: 'yes' },
}
/** These only tune what ssh says and how it holds its connections, which ctfleet does in its own way. */
const PASSED_OVER = ['-E', '-e', '-S', '-O']
const UNFOLLOWED = ['-D', '-L', '-R', '-W', '-w', '-Q']

/** Reads `ansible_ssh_common_args` and the like as ssh would. */
export function readSshArguments(text: string): SshArguments | { readonly cannot: string; readonly hint: string } {
  const words = splitWords(text)
  const options: SshOption[] = []
  const unfollowed: string[] = []
  let configFile: string | undefined
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const flag = word.slice(0, 2)
    const keyword = KEYWORDS[flag]
    const takesValue = keyword !== undefined || ['-o', '-F', ...PASSED_OVER, ...UNFOLLOWED].includes(flag)
    if (!takesValue) {
      if (/^-[A-Za-z0-9]/.test(word)) options.push(...[...word.slice(1)].flatMap((letter) => SWITCHES[letter] ?? []))
      continue
    }
    const value = word.length > 2 ? word.slice(2) : (words[++at] ?? '')
    if (keyword !== undefined) options.push({ keyword, value })
    else if (UNFOLLOWED.includes(flag)) unfollowed.push(flag)
    else if (flag === '-F') configFile ??= value
    else if (flag === '-o') {
      const [, name, setting] = /^\s*(\w+)(?:\s*=\s*|\s+)(.*)$/s.exec(value) ?? []
      if (name === undefined || setting === undefined)
        return { cannot: `-o ${value}`, hint: 'write it as -o Keyword=value' }
      options.push({ keyword: name, value: setting })
    }
  }
  return { options, unfollowed, ...(configFile === undefined ? {} : { configFile }) }
}

function splitWords(text: string): readonly string[] {
  return [...text.matchAll(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs)].map(([word]) =>
    word.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_all, single, double, escaped) => single ?? double ?? escaped ?? '',
    ),
  )
}
