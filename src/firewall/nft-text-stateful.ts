import type { Json } from '../model/json.ts'
import { decimal, line, only } from './nft-text-values.ts'

/** A statement that counts, in a rule or in an element of a set, without what it has counted; null for others. */
export function statefulText(kind: string, body: Json): string | null {
  switch (kind) {
    case 'counter':
      return body === null || only(body, 'packets', 'bytes') !== null ? 'counter' : null
    case 'last':
      return body === null || only(body, 'used') !== null ? 'last' : null
    case 'limit':
      return limitText(body)
    case 'quota':
      return quotaText(body)
    case 'ct count': {
      const { val, inv } = only(body, 'val', 'inv') ?? {}
      return line('ct count', over(inv), decimal(val))
    }
    default:
      return null
  }
}

/** Packets a burst holds where a rule names none. */
const USUAL_BURST = 5

function limitText(body: Json): string | null {
  const limit = only(body, 'rate', 'burst', 'per', 'inv', 'rate_unit', 'burst_unit')
  if (limit === null || typeof limit.per !== 'string' || !/^(second|minute|hour|day|week)$/.test(limit.per)) return null
  const { burst = 0, rate_unit: unit = 'packets', burst_unit: burstUnit = 'bytes' } = limit
  const rate = line('limit rate', over(limit.inv), decimal(limit.rate))
  if (rate === null) return null
  if (unit === 'packets') {
    const named = burst === 0 || burst === USUAL_BURST
    return line(`${rate}/${limit.per}`, named ? '' : line('burst', decimal(burst), 'packets'))
  }
  const perTime = line(rate, byteUnit(unit))
  if (perTime === null) return null
  return line(`${perTime}/${limit.per}`, burst === 0 ? '' : line('burst', decimal(burst), byteUnit(burstUnit)))
}

function quotaText(body: Json): string | null {
  const { val, val_unit: unit = 'bytes', inv } = only(body, 'val', 'val_unit', 'used', 'used_unit', 'inv') ?? {}
  return line('quota', over(inv), decimal(val), byteUnit(unit))
}

function over(inv: Json | undefined): string | null {
  if (inv === undefined || inv === false) return ''
  return inv === true ? 'over' : null
}

function byteUnit(unit: Json): string | null {
  return unit === 'bytes' || unit === 'kbytes' || unit === 'mbytes' ? unit : null
}
