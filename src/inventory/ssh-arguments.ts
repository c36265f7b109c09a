import { quoted } from '../input/complaint.ts'
import type { SshOption } from '../model/host.ts'
import { splitWords } from './ini-words.ts'

/** What words for `ssh` say of the way to a host. */
export type SshArguments = {
  /** In their order; of a keyword that is given twice the first counts. */
  readonly options: readonly SshOption[]
  readonly configFile?: string
  /** Options that ask for what ctfleet does not do: `-L`. */
  readonly unfollowed: readonly string[]
}

/**
 * Reads `ansible_ssh_common_args` and the like: Ansible splits them as a shell would, and ssh walks what is left letter by
 * letter, so that `-Ao User=ops` and `-vp 2222` are two options each.
 */
export function readSshArguments(text: string): SshArguments | { readonly wrong: string; readonly hint: string } {
  const split = splitWords(text, 'plain')
  if ('wrong' in split) return { wrong: split.wrong, hint: 'ssh gets one word for each pair of quotes' }
  const words = split.map((word) => word.text.trim()).filter((word) => word !== '')
  const options: SshOption[] = []
  const unfollowed: string[] = []
  let configFile: string | undefined
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!/^-[^-]/.test(word)) {
      const hint = 'write options alone; the address belongs to ansible_host'
      return { wrong: `${quoted(word)} is no option, and ssh would take it for the host`, hint }
    }
    for (let letter = 1; letter < word.length; letter++) {
      const flag = word[letter] ?? ''
      if (SWITCHES.includes(flag)) {
        options.push(...(SAYS[flag] === undefined ? [] : [SAYS[flag]]))
        continue
      }
      if (!WITH_VALUE.includes(flag)) return { wrong: `ssh has no option ${quoted(`-${flag}`)}`, hint: 'see: man ssh' }
      const value = letter + 1 < word.length ? word.slice(letter + 1) : words[++at]
      if (value === undefined)
        return { wrong: `-${flag} stands there without a value`, hint: `see -${flag} in: man ssh` }
      const keyword = KEYWORDS[flag]
      if (keyword !== undefined) options.push({ keyword, value })
      else if (UNFOLLOWED.includes(flag)) unfollowed.push(`-${flag}`)
      else if (flag === 'F') configFile ??= value
      else if (flag === 'o') {
        const [, name, setting] = /^\s*(\w+)(?:\s*=\s*|\s+)(.*)$/s.exec(value) ?? []
        if (name === undefined || setting === undefined)
          return { wrong: `ctfleet cannot follow -o ${value} yet`, hint: 'write it as -o Keyword=value' }
        options.push({ keyword: name, value: setting })
      }
      break
    }
  }
  return { options, unfollowed, ...(configFile === undefined ? {} : { configFile }) }
}

/** What ssh.c gives to getopt, up to OpenSSH 10: letters without a value, and with one. */
const SWITCHES = '1246afgknqstvxyACGKMNTVXY'
const WITH_VALUE = 'bceilmopwBDEFIJLOPQRSW'

/** Those with a value that says how one connects, and the keyword that each stands for; `e`, `E`, `O`, `S` only tune ssh. */
const KEYWORDS: { readonly [flag: string]: string } = {
  i: 'IdentityFile',
  J: 'ProxyJump',
  p: 'Port',
  P: 'Tag',
  l: 'User',
  b: 'BindAddress',
  B: 'BindInterface',
  c: 'Ciphers',
  m: 'MACs',
  I: 'PKCS11Provider',
}
const SAYS: { readonly [flag: string]: SshOption } = {
  '4': { keyword: 'AddressFamily', value: 'inet' },
  '6': { keyword: 'AddressFamily', value: 'inet6' },
  A: { keyword: 'ForwardAgent', value: 'yes' },
  a: { keyword: 'ForwardAgent', value: 'no' },
  K: { keyword: 'GSSAPIAuthentication', value: 'yes' },
}
const UNFOLLOWED = 'DLRWwQ'
