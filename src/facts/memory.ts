import type { MemoryFacts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import { type Fact, linesOf, readWith } from './fact.ts'

export const memory: Fact<MemoryFacts> = {
  name: 'memory',
  probes: [{ name: 'memory', probe: sh`cat /proc/meminfo`, bytes: 'own' }],
  parse(sections) {
    const meminfo = readWith(sections('memory'), ({ code, output }) =>
      code === 0 ? known(bytesByName(output)) : unknown(`reading /proc/meminfo ended with code ${code}`),
    )
    return {
      total: readWith(meminfo, (bytes) => of(bytes, 'MemTotal')),
      available: readWith(meminfo, availableOf),
    }
  },
}

type Bytes = ReadonlyMap<string, number>

function bytesByName(text: string): Bytes {
  const pairs = linesOf(text, 200).map((line) => /^(\w+(?:\(\w+\))?): +(\d{1,12}) kB$/.exec(line))
  return new Map(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? '', Number(pair[2]) * 1024] as const])))
}

function of(bytes: Bytes, name: string): Reading<number> {
  const value = bytes.get(name)
  return value === undefined ? unknown(`/proc/meminfo has no ${name} line`) : known(value)
}

/**
 * Kernels before 3.14 print no MemAvailable. There it is free memory and half of the page cache, which is a lower bound:
 * the kernel's own figure (mm/show_mem.c) takes off at most half of it.
 */
function availableOf(bytes: Bytes): Reading<number> {
  const told = bytes.get('MemAvailable')
  if (told !== undefined) return known(told)
  return readWith(of(bytes, 'MemFree'), (free) => {
    const active = bytes.get('Active(file)')
    const inactive = bytes.get('Inactive(file)')
    if (active !== undefined && inactive !== undefined) return known(free + Math.floor((active + inactive) / 2))
    // Older still: Cached holds tmpfs too, which is not to be had, so only block buffers count.
    return known(free + Math.floor((bytes.get('Buffers') ?? 0) / 2))
  })
}
