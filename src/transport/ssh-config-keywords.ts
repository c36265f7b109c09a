import { quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import { portOf, readJumps } from './ssh-config-jumps.ts'

export type Wrong = { readonly message: string; readonly hint: string | null }

/** The keyword by its present name; null where no ssh knows it. */
export function keywordOf(name: string): string | null {
  const keyword = ALIASES[name] ?? name
  return KEYWORDS.has(keyword) ? keyword : null
}

export function unknownKeyword(name: string): Wrong {
  const hint = 'Or let ssh and ctfleet pass over it: IgnoreUnknown, above it'
  const meant = didYouMean(name, [...KEYWORDS])
  return { message: `${quoted(name)} is no keyword of ssh_config`, hint: meant === null ? hint : `${meant} ${hint}` }
}

/** What ssh would refuse too, of the keywords that are followed here; all others are taken as they are. */
export function wrongValue(keyword: string, words: readonly string[], rest: string): Wrong | null {
  const kind = KINDS[keyword]
  if (kind === undefined || kind === 'rest') return null
  if (kind === 'jump') {
    const jumps = readJumps(rest)
    return 'wrong' in jumps ? { message: jumps.wrong, hint: 'ProxyJump user@host:port, several with commas' } : null
  }
  if (words.length === 0 || words.some((word) => word === '')) return { message: 'its value is empty', hint: null }
  if (kind === 'list') return null
  const [word = '', second] = words
  if (second !== undefined) return { message: `${quoted(second)} is one word too many`, hint: 'Quote what is one word' }
  if (kind === 'word') return null
  if (kind === 'port') {
    return portOf(word) === null
      ? { message: `expected a port from 1 to 65535, found ${quoted(word)}`, hint: null }
      : null
  }
  if (kind.includes(word.toLowerCase())) return null
  return { message: `expected ${oneOf(kind)}, found ${quoted(word)}`, hint: null }
}

function oneOf(words: readonly string[]): string {
  const shown = words.filter((word) => word !== 'true' && word !== 'false')
  return `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`
}

const FLAG = ['yes', 'no', 'true', 'false']

/** `word`: one; `list`: one or more; `rest`: the line as it is. Of a keyword that is given twice the first counts. */
const KINDS: { readonly [keyword: string]: 'word' | 'list' | 'rest' | 'port' | 'jump' | readonly string[] } = {
  addressfamily: ['any', 'inet', 'inet6'],
  bindaddress: 'word',
  bindinterface: 'word',
  canonicalizehostname: [...FLAG, 'always'],
  certificatefile: 'word',
  ciphers: 'word',
  forwardagent: 'word',
  globalknownhostsfile: 'list',
  hashknownhosts: FLAG,
  host: 'list',
  hostkeyalgorithms: 'word',
  hostkeyalias: 'word',
  hostname: 'word',
  identitiesonly: FLAG,
  identityagent: 'word',
  identityfile: 'word',
  ignoreunknown: 'word',
  include: 'list',
  kbdinteractiveauthentication: FLAG,
  kexalgorithms: 'word',
  macs: 'word',
  passwordauthentication: FLAG,
  pkcs11provider: 'word',
  port: 'port',
  preferredauthentications: 'word',
  proxycommand: 'rest',
  proxyjump: 'jump',
  pubkeyauthentication: [...FLAG, 'unbound', 'host-bound'],
  stricthostkeychecking: [...FLAG, 'ask', 'off', 'accept-new'],
  tag: 'word',
  user: 'word',
  userknownhostsfile: 'list',
}

const ALIASES: { readonly [name: string]: string } = {
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  dsaauthentication: 'pubkeyauthentication',
  identityfile2: 'identityfile',
  skeyauthentication: 'kbdinteractiveauthentication',
  smartcarddevice: 'pkcs11provider',
  tisauthentication: 'kbdinteractiveauthentication',
}

/** Those of readconf.c up to OpenSSH 10, and those that Debian, Fedora and Apple add. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `${Object.keys(KINDS).join(' ')}
  match protocol cipher fallbacktorsh globalknownhostsfile2 rhostsauthentication userknownhostsfile2 useroaming usersh
  useprivilegedport afstokenpassing kerberosauthentication kerberostgtpassing rsaauthentication rhostsrsaauthentication
  compressionlevel gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapiclientidentity
  gssapiserveridentity gssapirenewalforcesrekey gssapitrustdns gssapikexalgorithms forwardx11 forwardx11trusted
  forwardx11timeout exitonforwardfailure xauthlocation gatewayports kbdinteractivedevices hostbasedauthentication
  addkeystoagent usekeychain remoteforward localforward permitremoteopen escapechar connectionattempts batchmode checkhostip
  compression tcpkeepalive keepalive numberofpasswordprompts syslogfacility loglevel logverbose dynamicforward
  casignaturealgorithms clearallforwardings enablesshkeysign verifyhostkeydns nohostauthenticationforlocalhost rekeylimit
  connecttimeout serveraliveinterval serveralivecountmax sendenv setenv controlpath controlmaster controlpersist tunnel
  tunneldevice localcommand permitlocalcommand remotecommand visualhostkey ipqos requesttty sessiontype stdinnull
  forkafterauthentication proxyusefdpass canonicaldomains canonicalizefallbacklocal canonicalizemaxdots
  canonicalizepermittedcnames streamlocalbindmask streamlocalbindunlink revokedhostkeys fingerprinthash updatehostkeys
  hostbasedacceptedalgorithms hostbasedkeytypes pubkeyacceptedalgorithms pubkeyacceptedkeytypes securitykeyprovider
  knownhostscommand requiredrsasize rsaminsize enableescapecommandline obscurekeystroketiming channeltimeout versionaddendum
  refuseconnection warnweakcrypto`
    .trim()
    .split(/\s+/),
)
