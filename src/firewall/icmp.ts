import type { Family } from './rules.ts'

/** Types that report an error about another packet; a flow needs them for path MTU discovery and quick failure. */
export const ICMP_ERRORS: Readonly<Record<Family, readonly number[]>> = { ip: [3, 11, 12], ip6: [1, 2, 3, 4] }

/** `3`, `3/4` or a name as iptables knows it; `any` matches every message; null where the name is not known. */
export function icmpTypeOf(text: string, family: Family): IcmpType | null {
  if (text === 'any' || text === '255') return 'any'
  const [type, code] = (NAMES[family].get(text) ?? text).split('/')
  if (type === undefined || !/^\d+$/.test(type) || (code !== undefined && !/^\d+$/.test(code))) return null
  return { type: Number(type), code: code === undefined ? null : Number(code) }
}

export type IcmpType = 'any' | { readonly type: number; readonly code: number | null }

const NAMES: Readonly<Record<Family, ReadonlyMap<string, string>>> = {
  ip: new Map([
    ['echo-reply', '0'],
    ['pong', '0'],
    ['destination-unreachable', '3'],
    ['network-unreachable', '3/0'],
    ['host-unreachable', '3/1'],
    ['protocol-unreachable', '3/2'],
    ['port-unreachable', '3/3'],
    ['fragmentation-needed', '3/4'],
    ['source-quench', '4'],
    ['redirect', '5'],
    ['echo-request', '8'],
    ['ping', '8'],
    ['router-advertisement', '9'],
    ['router-solicitation', '10'],
    ['time-exceeded', '11'],
    ['ttl-exceeded', '11'],
    ['parameter-problem', '12'],
    ['timestamp-request', '13'],
    ['timestamp-reply', '14'],
    ['info-request', '15'],
    ['info-reply', '16'],
    ['address-mask-request', '17'],
    ['address-mask-reply', '18'],
  ]),
  ip6: new Map([
    ['destination-unreachable', '1'],
    ['packet-too-big', '2'],
    ['time-exceeded', '3'],
    ['ttl-exceeded', '3'],
    ['parameter-problem', '4'],
    ['echo-request', '128'],
    ['ping', '128'],
    ['echo-reply', '129'],
    ['pong', '129'],
    ['router-solicitation', '133'],
    ['router-advertisement', '134'],
    ['neighbour-solicitation', '135'],
    ['neighbor-solicitation', '135'],
    ['neighbour-advertisement', '136'],
    ['neighbor-advertisement', '136'],
    ['redirect', '137'],
    // The same in nft's words.
    ['mld-listener-query', '130'],
    ['mld-listener-report', '131'],
    ['mld-listener-done', '132'],
    ['mld-listener-reduction', '132'],
    ['nd-router-solicit', '133'],
    ['nd-router-advert', '134'],
    ['nd-neighbor-solicit', '135'],
    ['nd-neighbor-advert', '136'],
    ['nd-redirect', '137'],
    ['router-renumbering', '138'],
    ['ind-neighbor-solicit', '141'],
    ['ind-neighbor-advert', '142'],
    ['mld2-listener-report', '143'],
  ]),
}

/** The first name that nft knows for a type, else its number. */
export function icmpTypeName(type: number, family: Family): string {
  return [...NAMES[family]].find(([, number]) => number === String(type))?.[0] ?? String(type)
}
