import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import { approvedScript, sh } from '../../src/shell/script.ts'
import { type Climb, type Errand, prepareErrand } from '../../src/transport/bootstrap.ts'

const LOGIN: Climb = { by: 'login', password: false, terminal: false }
const directory = mkdtempSync(join(tmpdir(), 'ctfleet-bootstrap-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe.each(['sh', 'dash', 'bash', 'zsh', 'ksh', 'mksh', 'fish', 'tcsh', 'bsd-csh', 'busybox sh'])(
  'the login shell %s',
  (shell) => {
    test('hands the script on as it is, with its arguments and its code', (ctx) => {
      const values = ["a'b", '!! $HOME `id` \\ %', 'x\ny', '']
      const errand = prepareErrand(sh`printf '<%s>' "$@"; cat; exit 7`, { arguments: values }, LOGIN)
      const ended = underLoginShell(shell, errand, ctx)
      expect(ended.status).toBe(7)
      expect(ended.stdout).toBe(
        `${errand.nonce} shell\n${errand.nonce} send\n${errand.nonce} ready\n${values.map((value) => `<${value}>`).join('')}`,
      )
      expect(ended.stderr).toBe(`${errand.nonce} ready\n`)
    })
  },
)

describe.each(['/bin/dash', '/bin/bash', '/bin/busybox sh', '/bin/ksh'])('with %s as /bin/sh', (shell) => {
  test('a script of 512 KB runs, and keeps the newlines at its end out of harm’s way', (ctx) => {
    const text = `${"# it's a long one $( `\\\n".repeat(23_000)}echo "$#" "$1"; cat <<E\n\n\nE\n\n`
    expect(text.length).toBeGreaterThan(512 * 1024)
    const errand = prepareErrand(approvedScript(text), { arguments: ['one'] }, LOGIN)
    expect(underSh(shell, errand, ctx)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/ ready\n1 one\n\n\n$/),
    })
  })

  test('what did not arrive whole and unchanged does not run, wherever it was cut', (ctx) => {
    const witness = join(directory, 'ran')
    const errand = prepareErrand(sh`echo > ${witness}; exit 0`, {}, LOGIN)
    const changed = Buffer.from(errand.payload)
    changed[changed.length - 1] = '1'.charCodeAt(0)
    const longer = Buffer.concat([errand.payload, Buffer.from('\n')])
    const cut = [0, 1, 7, 20, errand.payload.length - 1].map((length) => errand.payload.subarray(0, length))
    for (const payload of [changed, longer, ...cut]) {
      const ended = underSh(shell, { ...errand, payload }, ctx)
      expect(ended).toMatchObject({
        status: 126,
        stdout: `${errand.nonce} shell\n${errand.nonce} send\n${errand.nonce} mismatch\n`,
      })
    }
    expect(existsSync(witness)).toBe(false)
  })
})

test('a host without cksum compares by sha256sum, and one with neither runs nothing', () => {
  const errand = prepareErrand(sh`echo ran`, {}, LOGIN)
  const without = (missing: string) => {
    // Our PATH is set in the text itself, so the tool is taken away by a function of the same name.
    const text = `${missing} ${errand.argv[3]}`
    const argv = errand.argv.map((word, at) => (at === 3 ? text : word))
    return spawnSync('/bin/sh', argv, { input: errand.payload, encoding: 'utf8' }).stdout
  }
  expect(without('cksum() { return 127; };')).toContain('ready\nran\n')
  expect(without('cksum() { return 127; }; sha256sum() { return 127; };')).toContain('mismatch\n')
})

test.each<Climb>([
  LOGIN,
  { by: 'sudo', user: 'some_one-else.of@example', password: true, terminal: false },
  { by: 'sudo', user: 'u'.repeat(64), password: true, terminal: true },
  { by: 'doas', user: 'u'.repeat(64), password: true, terminal: true },
  { by: 'su', user: 'u'.repeat(64), password: true, terminal: true },
])('the remote command is one that no login shell reads in its own way: $by, terminal $terminal', (climb) => {
  const { argv, command } = prepareErrand(sh`echo`, {}, climb)
  const [text = '', ...rest] = argv.slice(3)
  const [words, more] = [rest.slice(0, 5), rest.slice(5)]
  for (const each of [text, ...more]) {
    expect(each).not.toMatch(/['\\!\n]/)
    // The longest word of the old csh.
    expect(each.length).toBeLessThan(1024)
  }
  const quoted = more.map((each) => ` '${each}'`).join('')
  expect(command).toBe(`exec /bin/sh -c 'eval "$1"' ctfleet '${text}' ${words.join(' ')}${quoted}`)
  expect(words.join(' ')).toMatch(/^[0-9a-z ]+$/)
})

test('a NUL character is refused before anything is sent', () => {
  const how = { arguments: [] }
  expect(() => prepareErrand(approvedScript('echo \0'), how, LOGIN)).toThrow(TypeError)
  expect(() => prepareErrand(sh`echo`, { ...how, arguments: ['\0'] }, LOGIN)).toThrow(TypeError)
})

function underLoginShell(shell: string, errand: Errand, ctx: TestContext) {
  const [program = '', ...args] = shell.split(' ')
  const path = ['/bin', '/usr/bin'].map((folder) => join(folder, program)).find(isProgram)
  if (path === undefined) return ctx.skip(`${program} is not installed`)
  return spawnSync(path, [...args, '-c', errand.command], { input: errand.payload, encoding: 'utf8' })
}

function underSh(shell: string, errand: Errand, ctx: TestContext) {
  const [program = '', ...args] = shell.split(' ')
  if (!isProgram(program)) return ctx.skip(`${program} is not installed`)
  return spawnSync(program, [...args, ...errand.argv], { input: errand.payload, encoding: 'utf8' })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
