import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ownScript } from '../../src/strategies/boot-unit.ts'
import { SHELLS } from '../support/shells.ts'

/** The script of our own unit, as a host without the tools runs it: what it hands them stands in files. */

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-boot-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const SPEC = `-p tcp -m tcp --sport 80 -m comment --comment "what it's for" -j CT --notrack`
const rule = (family: 'ip' | 'ip6', key: string) => ({
  backend: 'legacy',
  family,
  table: 'raw',
  chain: 'OUTPUT',
  spec: SPEC,
  key,
})
const SCRIPT = ownScript([rule('ip', 'ctfleet:notrack:1'), rule('ip6', 'ctfleet:notrack:2')])

describe.each(SHELLS)('$name', ({ argv, missing }) => {
  test.skipIf(missing)('waits for the lock of iptables where the tool can', () => {
    install('iptables', { help: '  [ --wait=<seconds>' })
    install('ip6tables', { help: 'no such word' })
    expect(run(argv)).toBe(0)
    expect(given('iptables')).toBe(`--noflush -w 10\n*raw\n-A OUTPUT ${SPEC}\nCOMMIT\n`)
    expect(given('ip6tables')).toBe(`--noflush\n*raw\n-A OUTPUT ${SPEC}\nCOMMIT\n`)
  })

  test.skipIf(missing)('puts each family in place by itself, and only where it is not yet', () => {
    install('iptables', { code: 4 })
    install('ip6tables')
    expect(run(argv)).toBe(1)
    expect(given('ip6tables')).toContain(SPEC)
    rmSync(join(dir, 'ip6tables.given'))
    install('ip6tables', { saved: `-A OUTPUT ${SPEC} ctfleet:notrack:2` })
    expect(run(argv)).toBe(1)
    expect(given('ip6tables')).toBe('')
  })
})

test("nft's own rules are given to nft whole", () => {
  stub('nft', 'cat > nft.given')
  const spec = 'tcp sport 80 comment "ctfleet:notrack:3" notrack'
  const native = { backend: 'native', family: 'inet', table: 'inet ctfleet', chain: 'output', spec, key: 'k' }
  expect(run(['/bin/sh'], ownScript([native]))).toBe(0)
  expect(given('nft')).toMatch(/^table inet ctfleet\ndelete table inet ctfleet\n/)
  expect(given('nft')).toContain(`\t\t${spec}\n`)
})

type Tool = { readonly help?: string; readonly saved?: string; readonly code?: number }

function install(family: 'iptables' | 'ip6tables', { help = '', saved = '', code = 0 }: Tool = {}): void {
  stub(`${family}-legacy-save`, `echo '${saved.replaceAll("'", `'\\''`)}'`)
  stub(
    `${family}-legacy-restore`,
    `if [ "$1" = -h ]; then echo '${help}' >&2; exit; fi\n{ echo "$*"; cat; } > ${family}.given\nexit ${code}`,
  )
}

function stub(name: string, text: string): void {
  writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`)
  chmodSync(join(dir, name), 0o755)
}

/** With our stubs and what else the script needs on its path, and nothing that could touch the machine's own rules. */
function run([program = '', ...argv]: readonly string[], script = SCRIPT): number | null {
  for (const tool of ['grep', 'cat']) {
    if (existsSync(join(dir, tool))) continue
    const path = execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim()
    stub(tool, `exec ${path} "$@"`)
  }
  expect(script).toMatch(/^PATH=/m)
  const text = script.replace(/^PATH=.*$/m, `PATH=${dir}`)
  return spawnSync(program, [...argv, '-c', text], { cwd: dir, encoding: 'utf8' }).status
}

function given(tool: string): string {
  const path = join(dir, `${tool}.given`)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
