import { counted } from '../../diagnosis/numbers.ts'
import type { Change } from '../../model/change.ts'
import { isJsonMap, type Json } from '../../model/json.ts'
import { listed } from './listed.ts'

type Work = { readonly strategy: string; readonly changes: readonly Change[] }

/** `notrack 443/tcp, 5 changes`: what is done to a host, as short as a question has room for. */
export function workText({ strategy, changes }: Work): string {
  const ports = [...new Set(changes.flatMap(({ want }) => portsIn(want)))]
  const about = ports.length === 0 ? '' : ` ${listed(ports, 4)}`
  return `${strategy}${about}, ${counted(changes.length, 'change', 'changes')}`
}

/** The ports of flows whose entries a change deletes, or whose packets it leaves untracked. */
function portsIn(want: Json): readonly string[] {
  if (!isJsonMap(want)) return []
  const { protocol, ports, flows } = want
  const own =
    typeof protocol === 'string' && isList(ports)
      ? ports.flatMap((port) => (typeof port === 'number' ? [`${port}/${protocol}`] : []))
      : []
  return [...own, ...(isList(flows) ? flows.flatMap(portsIn) : [])]
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
