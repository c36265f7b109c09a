/** Numbers as a person reads them: a thin space (U+202F, which no line breaks at) between groups of three digits. */

export function grouped(value: number): string {
  const [whole = '', fraction] = String(Math.abs(value)).split('.')
  const groups = /e/.test(whole) ? whole : whole.replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202f')
  return `${value < 0 ? '-' : ''}${groups}${fraction === undefined ? '' : `.${fraction}`}`
}

/** `1 entry`, `262 144 entries`. */
export function counted(value: number, one: string, many: string): string {
  return `${grouped(value)} ${value === 1 ? one : many}`
}

/** Of a share between 0 and 1, in whole percent; never rounded up to full, nor down to none. */
export function percent(share: number): string {
  const rounded = Math.round(share * 100)
  if (rounded >= 100 && share < 1) return '99 %'
  if (rounded === 0 && share > 0) return 'under 1 %'
  return `${rounded} %`
}

/** The same beside a limit: with one digit more where whole percent would say that it is reached, and it is not. */
export function percentBelow(share: number, limit: number): string {
  return share < limit && Math.round(share * 100) >= limit * 100 ? inTenths(share, Math.floor) : percent(share)
}

/** `between 87 % and 92 %`, with one digit more where both are the same in whole percent. */
export function percentBetween(low: number, high: number): string {
  const [from, to] = [percent(low), percent(high)]
  return from === to && low < high
    ? `between ${inTenths(low, Math.floor)} and ${inTenths(high, Math.ceil)}`
    : `between ${from} and ${to}`
}

function inTenths(share: number, round: (value: number) => number): string {
  return `${round(share * 1000) / 10} %`
}

/** In its two largest units: `2 h 5 min`, `5 d`. */
export function duration(seconds: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ]
  const whole = Math.round(seconds)
  const first = units.findIndex(([, size]) => whole >= size)
  if (first === -1) return '0 s'
  const [unit, size] = units[first] ?? ['s', 1]
  const [nextUnit, nextSize] = units[first + 1] ?? ['s', 1]
  const rest = Math.floor((whole % size) / nextSize)
  const head = `${Math.floor(whole / size)} ${unit}`
  return rest === 0 || size === 1 ? head : `${head} ${rest} ${nextUnit}`
}

/** In the largest binary unit that leaves a number of at least one: `1.5 GiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let scaled = value
  let unit = 0
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024
    unit++
  }
  return `${grouped(Math.round(scaled * 10) / 10)} ${units[unit]}`
}
