/** What a host told us about one thing: a value, or why it could not be had. Never a default. */
export type Reading<T> = Known<T> | Unknown

export type Known<T> = { readonly known: true; readonly value: T }
export type Unknown = { readonly known: false; readonly why: string }

export function known<T>(value: T): Known<T> {
  return { known: true, value }
}

/** @param why a clause that completes "not known: …", e.g. `/proc/meminfo has no MemAvailable line`. */
export function unknown(why: string): Unknown {
  return { known: false, why }
}

export function mapReading<T, U>(reading: Reading<T>, map: (value: T) => U): Reading<U> {
  return reading.known ? known(map(reading.value)) : reading
}
