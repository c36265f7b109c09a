import { expect, test } from 'vitest'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import { bucketsOf } from '../../src/model/buckets.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { analyseTune } from '../../src/strategies/tune-analysis.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

test('the module parameter is right, and the sysctl where there is none', () => {
  const buckets = known(1024)
  expect(bucketsOf({ hashSize: known(4096), buckets })).toEqual(known(4096))
  expect(bucketsOf({ hashSize: known(512), buckets })).toEqual(known(512))
  expect(bucketsOf({ hashSize: known(4096), buckets: unknown('it hides') })).toEqual(known(4096))
  expect(bucketsOf({ hashSize: known(0), buckets })).toEqual(buckets)
  expect(bucketsOf({ hashSize: unknown('for root only'), buckets })).toEqual(buckets)
  expect(bucketsOf({ hashSize: known(0), buckets: unknown('it hides') })).toEqual(unknown('it hides'))
})

test('who reckons with buckets reckons with the same ones, however stale the sysctl is', () => {
  const answers = [1024, 65_536, 8_388_608].map((stale) => {
    const facts = factsWith({ conntrack: { hashSize: known(65_536), buckets: known(stale) } })
    return { fits: analyseTune(facts).fits, findings: diagnose(facts, DEFAULT_THRESHOLDS) }
  })
  expect(answers[0]?.fits.known).toBe(true)
  expect(answers).toEqual([answers[0], answers[0], answers[0]])
})
