import { existsSync } from 'node:fs'
import { run } from '../lab/command.ts'
import { PLAIN, World } from './world.ts'

const PROGRAMS = [
  'ip',
  'nft',
  'perl',
  'conntrack',
  ...['iptables', 'ip6tables'].flatMap((name) => [`${name}-legacy-restore`, `${name}-nft-restore`]),
]

/** Why the model cannot be held against this machine's kernel; null where it can. */
export async function whatIsMissing(): Promise<string | null> {
  if (process.platform !== 'linux') return `only Linux has its packet filter, this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  const places = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
  const missing = PROGRAMS.filter((name) => places.every((at) => !existsSync(`${at}/${name}`)))
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`
  if ((await run(['ip', 'netns', 'list'])).code !== 0) return 'no network namespaces here'
  try {
    await using world = await World.open(PLAIN)
    for (const family of ['ip', 'ip6'] as const) {
      for (const tool of ['legacy', 'nft'] as const) {
        const complaint = await world.load(family, tool, '*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n')
        if (complaint !== null) return `no raw table here: ${complaint}`
      }
    }
    const complaint = await world.loadNft(NFT)
    return complaint === null ? null : `nft cannot do here what it should: ${complaint}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What only newer kernels and versions of nft take. */
const NFT = `table inet t {
  map m { type inet_service : verdict; flags interval; elements = { 1-5 : drop, * : accept }; }
  chain c { type filter hook prerouting priority -300; fib daddr type local notrack; tcp dport vmap @m; }
}
`
