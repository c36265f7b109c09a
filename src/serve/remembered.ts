import { performance } from 'node:perf_hooks'

/** Milliseconds that a reading is answered from, and that one is waited for. */
const TERMS = { fresh: 2000, patience: 1500 }

export type Remembered<T> = {
  /** @throws where there is no answer in time; whoever asks later may still get what was on its way. */
  readonly get: () => Promise<T>
  /** What is known is old from now on. */
  readonly forget: () => void
}

/** One reading for all that ask, however many they are, and the last one again for a short while. */
export function remembered<T>(read: () => Promise<T>, { fresh, patience } = TERMS): Remembered<T> {
  let known: { readonly value: T; readonly at: number } | null = null
  let reading: Promise<T> | null = null
  const begin = async () => {
    try {
      const value = await read()
      known = { value, at: performance.now() }
      return value
    } finally {
      reading = null
    }
  }
  return {
    async get() {
      if (known !== null && performance.now() - known.at < fresh) return known.value
      reading ??= begin()
      return await inTime(reading, patience)
    },
    forget() {
      known = null
    },
  }
}

async function inTime<T>(work: Promise<T>, patience: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience} ms`)), patience)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
