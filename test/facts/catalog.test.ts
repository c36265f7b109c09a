import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FACTS, factsScript, parseFacts } from '../../src/facts/catalog.ts'
import { NONCE, recordedAnswers } from './answers.ts'

const recorded = recordedAnswers()

describe('every recorded answer reads as the facts beside it', () => {
  test.each(recorded)('$system', ({ answer, facts }) => {
    expect(JSON.parse(JSON.stringify(parseFacts(answer, NONCE)))).toEqual(facts)
  })
})

test('probe names are unique over all facts', () => {
  const names = FACTS.flatMap(({ probes }) => probes.map(({ name }) => name))
  expect(new Set(names).size).toBe(names.length)
})

test('the script is a constant that fits one command line', () => {
  expect(factsScript.text.length).toBeLessThan(32_768)
})

describe('whatever a host prints, parsing ends with readings', () => {
  const system = fc.constantFrom(...recorded.map((each) => each.system))
  const answerOf = (name: string) => recorded.find((each) => each.system === name)?.answer ?? ''

  test('an answer that is cut anywhere', () => {
    fc.assert(
      fc.property(system, fc.nat(), (name, at) => {
        const text = answerOf(name)
        everyReadingIsOne(parseFacts(text.slice(0, at % text.length), NONCE))
      }),
      { numRuns: 200 },
    )
  })

  test('an answer with bits of it changed, repeated or left out', () => {
    const junk = fc.oneof(
      fc.string({ maxLength: 30, unit: 'binary' }),
      fc.constantFrom('\0', '\n', '99999999999999999999999', '__proto__', '-1', ':', '=', ' ', '[', '\\', '\u{fffd}'),
      fc.constantFrom('src=', '|--', '<==', 'file /x\n', 'NaN', `${NONCE} end "system" 0\n`),
    )
    const edit = fc.record({ at: fc.nat(), drop: fc.nat(40), insert: junk, times: fc.integer({ min: 1, max: 50 }) })
    fc.assert(
      fc.property(system, fc.array(edit, { minLength: 1, maxLength: 30 }), (name, edits) => {
        const edited = edits.reduce((now, { at, drop, insert, times }) => {
          const start = at % (now.length + 1)
          return now.slice(0, start) + insert.repeat(times) + now.slice(start + drop)
        }, answerOf(name))
        everyReadingIsOne(parseFacts(edited, NONCE))
      }),
      { numRuns: 300 },
    )
  })

  test('twelve megabytes of one thing in every section take less than two seconds each', () => {
    const names = FACTS.flatMap(({ probes }) => probes.map(({ name }) => name))
    for (const filler of ['a', ' ', '\n', '[', '/', '0:', 'src=1.1.1.1 ', '/proc/net/nf_conntrack:1\n', '/a"\\']) {
      const body = filler.repeat(Math.ceil(600_000 / filler.length))
      const text = names.map((name) => `${NONCE} begin "${name}" own\n${body}\n${NONCE} end "${name}" 0\n`).join('')
      const started = performance.now()
      everyReadingIsOne(parseFacts(text, NONCE))
      expect(performance.now() - started).toBeLessThan(2000)
    }
  })
})

test('another nonce opens nothing', () => {
  const facts = parseFacts(recorded[0]?.answer ?? '', 'other')
  expect(facts.conntrack.max).toEqual({ known: false, why: `the host's answer has no section "conntrack"` })
})

/** A reading is known with a JSON value or unknown with a cause, and nothing else stands between the subjects. */
function everyReadingIsOne(tree: object): void {
  for (const child of Object.values(tree)) {
    if (typeof child.known !== 'boolean') everyReadingIsOne(child)
    else if (child.known) {
      if (JSON.stringify(child.value) === undefined) throw new Error('a known reading without a value')
      noNumberIsLost(child.value)
    } else if (typeof child.why !== 'string' || child.why.length === 0 || child.why.length > 500) {
      throw new Error(`not a cause: ${JSON.stringify(child.why)}`)
    }
  }
}

function noNumberIsLost(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} is no JSON`)
  if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) noNumberIsLost(child)
}
