// Every quick check, each to its end, so that one run names all that is wrong. `--without-tests` leaves the unit tests out.
// Exit code: the number of checks that failed.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { argv, stdout } from 'node:process'

const checks = ['typecheck', 'lint:promises', 'build', 'lint', 'format:check', 'deadcode', 'ranks']
if (!argv.includes('--without-tests')) checks.unshift('test:unit')

const waiting = [...checks]
const failed = []
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work))
stdout.write(
  `${checks.length - failed.length} checks passed, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}\n`,
)
process.exitCode = failed.length

async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const started = Date.now()
    const { code, output } = await runScript(name)
    const seconds = ((Date.now() - started) / 1000).toFixed(1)
    if (code === 0) stdout.write(`ok      ${name} (${seconds} s)\n`)
    else {
      failed.push(name)
      stdout.write(`FAILED  ${name} (${seconds} s)\n${output.replace(/^/gm, '    ').trimEnd()}\n`)
    }
  }
}

/** Runs one script of package.json; both streams in one text, in the order they came. */
function runScript(name) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const add = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', add)
    child.stderr.setEncoding('utf8').on('data', add)
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
