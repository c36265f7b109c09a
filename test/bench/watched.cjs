// Beside a program, with `node --require`: writes to the file BENCH_WATCHED how long its event loop kept others waiting (in
// milliseconds) and what it held at its peak (in bytes), when it ends.
const { writeFileSync } = require('node:fs')
const { monitorEventLoopDelay } = require('node:perf_hooks')

const RESOLUTION = 10
const delay = monitorEventLoopDelay({ resolution: RESOLUTION })
delay.enable()
process.on('exit', () => {
  const ms = (nanoseconds) => Math.max(nanoseconds / 1e6 - RESOLUTION, 0)
  const told = { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) }
  writeFileSync(
    process.env.BENCH_WATCHED,
    JSON.stringify({ delay: told, memory: process.resourceUsage().maxRSS * 1024 }),
  )
})
