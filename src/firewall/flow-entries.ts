import { z } from '../input/schema.ts'
import { lines, type Script, sh } from '../shell/script.ts'

/** Flows to ports of the host itself. */
export type Flow = {
  readonly protocol: 'tcp' | 'udp'
  readonly ports: readonly number[]
  /** The host's own addresses: entries towards other hosts' ports stay. */
  readonly addresses: readonly string[]
}

export const flowSchema = z.strictObject({
  protocol: z.enum(['tcp', 'udp']),
  ports: z.array(z.number().int().min(1).max(65535)).min(1),
  addresses: z.array(z.string().regex(/^[0-9a-fA-F:.]+$/)).min(1),
})

/** Every entry of this network namespace: for a table that nothing fills any more. */
export type AllEntries = { readonly all: true }

export const allEntriesSchema = z.strictObject({ all: z.literal(true) })

/**
 * Ends well when the table has stayed empty for a second, so it must run after the last rule that needs tracking is gone:
 * entries that come back are made by somebody else, and nothing was gained.
 */
export function deleteAllEntries(): Script {
  return lines(
    sh`command -v conntrack > /dev/null 2>&1 || exit 4
for again in 1 2 3 4 5; do
  conntrack -F > /dev/null 2>&1 || exit
  sleep 1`,
    ENTRIES_LEFT,
    sh`  [ "$left" = 0 ] && exit 0
done
echo "new entries come in all the same ($left now): something else than rules keeps tracking on" >&2
exit 1`,
  )
}

/** Sets `left` to the number of entries in this namespace; empty where the kernel does not tell. */
export const ENTRIES_LEFT: Script = sh`left=$(cat /proc/sys/net/netfilter/nf_conntrack_count 2> /dev/null ||
  cat /proc/sys/net/ipv4/netfilter/ip_conntrack_count 2> /dev/null)`

/** Bounded and targeted: one deletion a port and address, never the whole table. `conntrack` exits 1 where none matched. */
export function deleteEntries({ protocol, ports, addresses }: Flow): Script {
  return lines(
    sh`command -v conntrack > /dev/null 2>&1 || exit 4
remove() {
  conntrack -D -f "$1" -p "$2" --orig-port-dst "$3" -d "$4" > /dev/null 2>&1
  [ "$?" -le 1 ] || failed=1
}
failed=0`,
    ...ports.flatMap((port) =>
      addresses.map((address) => sh`remove ${address.includes(':') ? 'ipv6' : 'ipv4'} ${protocol} ${port} ${address}`),
    ),
    sh`[ "$failed" = 0 ]`,
  )
}

/** An entry's first tuple is the original direction; nothing before it holds a `=`, and only nf_conntrack names the family first. IPv6 addresses are printed in full there. */
export function entryPattern({ protocol, ports, addresses }: Flow): string {
  const own = addresses.map((address) =>
    (address.includes(':') ? fullAddress6(address) : address).replaceAll('.', '\\.'),
  )
  return `^([^=]* )?${protocol} [^=]*src=[^ ]+ dst=(${own.join('|')}) sport=[0-9]+ dport=(${ports.join('|')}) `
}

function fullAddress6(address: string): string {
  const [head = '', tail] = address.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return [...front, ...gap, ...back].map((part) => part.toLowerCase().padStart(4, '0')).join(':')
}
