import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { KINDS, score, scoreText } from '../audit/trend-series.ts'
import { benchBig, bigText } from './big.ts'
import { benchHosts } from './hosts.ts'
import { hostsText } from './hosts-text.ts'
import { benchJudging, judgingText } from './judging.ts'
import { benchMillion, millionText } from './million.ts'
import { progressCost, progressText } from './progress.ts'
import { benchScale } from './scale.ts'
import { scaleText } from './scale-text.ts'
import { benchStart, startText } from './start.ts'

/**
 * `npm run bench [-- JOBS] [--hosts N] [--json FILE]`: what the work costs, as tables, and as JSON in FILE (`-`: in place of
 * the tables). docs/performance.md says what the jobs are and what came of them.
 */
const JOBS = ['judging', 'hosts', 'scale', 'big', 'million', 'progress', 'start', 'forecast'] as const
type Job = (typeof JOBS)[number]

const USUAL: readonly Job[] = ['judging', 'hosts', 'scale']
const SIZES = [1000, 10_000] as const

const { values, positionals } = typed()
const jobs = positionals.length === 0 ? USUAL : JOBS.filter((job) => positionals.includes(job))
const unknown = positionals.filter((word) => !JOBS.some((job) => job === word))
if (unknown.length > 0) endWith(`no job is called ${unknown.join(', ')}`)

const quiet = values.json === '-'
const say = (line: string) => void process.stderr.write(`${line}\n`)
const print = (text: string) => void (quiet || process.stdout.write(text))
const report: { [job: string]: unknown } = {
  node: process.version,
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? '',
  at: new Date().toISOString(),
}
for (const job of jobs) {
  const dir = await mkdtemp(join(tmpdir(), 'ctfleet-bench-'))
  try {
    report[job] = await run(job, dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
const text = `${JSON.stringify(report, null, 2)}\n`
if (quiet) process.stdout.write(text)
else if (values.json !== undefined) await writeFile(values.json, text)

async function run(job: Job, dir: string): Promise<unknown> {
  switch (job) {
    case 'judging': {
      const found = benchJudging()
      print(judgingText(found))
      return found
    }
    case 'hosts': {
      const found = await benchHosts(dir, Number(values.hosts), say)
      print(hostsText(found))
      return found
    }
    case 'scale': {
      const found = await benchScale(dir, { sizes: SIZES, width: Number(values.forks), say })
      print(scaleText(found))
      return found
    }
    case 'million': {
      const found = await benchMillion(say)
      print(millionText(found))
      return found
    }
    case 'progress': {
      const found = await progressCost(5000, 30)
      print(progressText(found))
      return found
    }
    case 'start': {
      const found = await benchStart()
      print(startText(found))
      return found
    }
    case 'forecast': {
      const found = KINDS.map((kind) => score(kind, 1000))
      print(`${scoreText(found)}\n`)
      return found
    }
    case 'big': {
      const found = await benchBig(say)
      print(bigText(found))
      return found
    }
  }
}

function typed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        hosts: { type: 'string', default: '50' },
        forks: { type: 'string', default: '100' },
        json: { type: 'string' },
      },
    })
  } catch (error) {
    return endWith(error instanceof Error ? error.message : String(error))
  }
}

function endWith(why: string): never {
  process.stderr.write(`${why}. Next: npm run bench -- [${JOBS.join('|')}] [--hosts N] [--forks N] [--json FILE]\n`)
  process.exit(2)
}
