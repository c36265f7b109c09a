import type { Listener, ListenerFacts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { Section } from '../shell/bundle.ts'
import { sh } from '../shell/script.ts'
import { canonicalAddress, type Fact, linesOf, readWith } from './fact.ts'

// The kernel lists listening sockets (0A) first, old ones with their half-open connections (03) between them. A busy host has
// a hundred thousand lines after that, so sed stops at the first other one. Each read goes on to the next open connection, through
// the kernel's whole hash of them where there is none (3 ms with 24 GB of memory): what one read has shown to be all is not read
// again to its end. One reading gives a page (4096 bytes) less a line, or what there is.
const sockets = sh`[ -r /proc/net/tcp ] && echo "readable $machine"
for f in tcp tcp6; do
  [ -r /proc/net/$f ] || continue
  echo "file $f"
  seen=$(dd if=/proc/net/$f bs=4096 count=1)
  if [ "\${#seen}" -gt 0 ] && [ "\${#seen}" -lt 3000 ]; then printf '%s\n' "$seen"
  else sed -n -e 1d -e '/^ *[0-9]*: [0-9A-F]*:[0-9A-F]* [0-9A-F]*:[0-9A-F]* 0[A3] /!q' -e '/ 0A /p' -e 4000q /proc/net/$f
  fi
done
grep -s -m 2000 '^ *[0-9]*: [0-9A-F]*:[0-9A-F]* 0*:0000 07 ' /proc/net/udp /proc/net/udp6
:`

// One address a line, of both families. A router's fib_trie may hold a million routes: what is after the first 40000 lines is
// said to be missing.
const addresses = sh`if [ -r /proc/net/fib_trie ]; then
  trie=/proc/net/fib_trie
else
  trie=
  if command -v ip >/dev/null; then ip -o -4 addr show | sed -n 's/.* inet \([0-9.]*\).*/\1/p'; else echo none; fi
fi
[ -r /proc/net/if_inet6 ] && set -- /proc/net/if_inet6 || set --
sed -n -e '/^[0-9a-f]\{32\} /s/^\(....\)\(....\)\(....\)\(....\)\(....\)\(....\)\(....\)\(....\) .*/\1:\2:\3:\4:\5:\6:\7:\8/p' \
  -e '/|-- /h' -e '/\/32 host LOCAL/{g;s/.*|-- //;p;}' -e '40000{s/.*/cut/p;q;}' "$@" $trie`

export const listeners: Fact<ListenerFacts> = {
  name: 'listeners',
  probes: [
    { name: 'sockets', probe: sockets, bytes: 'own' },
    { name: 'addresses', probe: addresses, bytes: 'own' },
  ],
  parse(sections) {
    return {
      sockets: readWith(sections('sockets'), socketsIn),
      addresses: readWith(sections('addresses'), addressesIn),
    }
  },
}

function socketsIn({ code, output }: Section): ListenerFacts['sockets'] {
  if (code !== 0) return unknown(`the probe of the sockets ended early, with code ${code}`)
  const lines = linesOf(output, 20_000)
  if (!lines[0]?.startsWith('readable ')) return unknown('/proc/net/tcp could not be read')
  // s390x, old POWER and some MIPS print each 32-bit word in network order, all others turned round.
  const bigEndian = /^readable (s390|ppc(64)?$|mips(64)?$|sparc|parisc|m68k)/.test(lines[0])
  const found = new Map<string, Listener>()
  let protocol: Listener['protocol'] | undefined
  for (const line of lines) {
    if (line.startsWith('file ')) protocol = 'tcp'
    if (line.startsWith('/proc/net/udp')) protocol = 'udp'
    const [, hex = '', port = '', state = ''] =
      /^(?:\/proc\/net\/udp6?:)?\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(
        line,
      ) ?? []
    if (protocol === 'tcp' && state !== '0A') continue
    const address = hex === '' ? undefined : addressOf(hex, bigEndian)
    if (protocol === undefined || address === undefined) continue
    const listener = { protocol, address, port: parseInt(port, 16) }
    if (listener.port > 0) found.set(`${protocol} ${address} ${listener.port}`, listener)
  }
  return known([...found.values()].sort(byPort))
}

function byPort(a: Listener, b: Listener): number {
  return (
    (a.protocol === b.protocol ? 0 : a.protocol < b.protocol ? -1 : 1) ||
    a.port - b.port ||
    (a.address < b.address ? -1 : 1)
  )
}

function addressOf(hex: string, bigEndian: boolean): string | undefined {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) => {
    const inOrder = (word.match(/../g) ?? []).map((byte) => parseInt(byte, 16))
    return bigEndian ? inOrder : inOrder.reverse()
  })
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[at * 2] ?? 0) * 256 + (bytes[at * 2 + 1] ?? 0)).toString(16),
  )
  return canonicalAddress(groups.join(':'))
}

function addressesIn({ code, output }: Section): Reading<readonly string[]> {
  if (code !== 0) return unknown(`the probe of the addresses ended early, with code ${code}`)
  const lines = linesOf(output, 50_000)
  if (lines.includes('none')) return unknown('there is no /proc/net/fib_trie, and no ip on the host')
  if (lines.includes('cut')) return unknown('/proc/net/fib_trie is too long to look for addresses in it')
  return known([...new Set(lines.flatMap((line) => canonicalAddress(line) ?? []))].sort())
}
