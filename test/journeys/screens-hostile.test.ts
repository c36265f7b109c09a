import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { putProgram } from '../support/program.ts'
import { canOpenScreen, openScreenIn } from '../support/tmux.ts'

/** Hosts that say whatever a terminal would obey: in their name, rules, logs, processes and files, and in lines of megabytes. */

const ables = [canRunLab(), canOpenScreen()]
const whyNot = ables.flatMap((able) => (able.ok ? [] : [able.why]))[0]

/** Every control character but newline and NUL, C1 as UTF-8 and bare, bidi and zero-width characters, and sequences that set a title,
 * the clipboard, a second screen, the cursor, and one without an end. */
const EVIL = [
  ...Array.from({ length: 31 }, (_, at) => String.fromCharCode(at + 1)).filter((each) => each !== '\n'),
  '\x7f\u0080\u009b31m\u009d0;owned\u009c',
  '\u202e\u2066\u2069\u200b\u200f\ufeff\u2028',
  '\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07\x1b[?1049h\x1b[2J\x1b[H\x1b[31m\x1bc\x1b]2;owned',
].join('')

/** The same for `printf %b` of a shell. */
const OCTAL = [...Buffer.from(EVIL), 0x9b, 0xff].map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')

const MEGABYTES = `head -c 10000000 /dev/zero | tr '\\0' x`

const HOSTILE = `
evil=$(printf '%b' '${OCTAL}')
mkdir -p /var/evil
busybox hostname "$(printf '%s' "$evil" | head -c 60)"
iptables -w -I INPUT 1 -p tcp --dport 81 -m comment --comment "$(printf '%s' "$evil" | head -c 200 | iconv -c -f utf-8 -t utf-8)" -j ACCEPT
printf 'PRETTY_NAME="%s"\\nID="%s"\\n' "$evil" "$evil" > /etc/os-release.evil
rm -f /etc/os-release; mv /etc/os-release.evil /etc/os-release
cat > /usr/bin/dmesg.evil <<'END'
#!/bin/sh
printf '%b' '[    1.000000] nf_conntrack: table full, dropping packet ${OCTAL}'
${MEGABYTES}
printf '\\n'
END
chmod 755 /usr/bin/dmesg.evil; rm -f /usr/bin/dmesg; mv /usr/bin/dmesg.evil /usr/bin/dmesg
{ printf '%s' "$evil" | head -c 15 > /proc/self/comm; exec sleep 600; } > /dev/null 2>&1 &
`

/** A release and rules that are one line without end: there is no room left for other answers. */
const ENDLESS = `
{ printf 'PRETTY_NAME="'; ${MEGABYTES}; } > /etc/os-release
cat > /usr/sbin/iptables-nft-save.evil <<'END'
#!/bin/sh
printf '%b' '*filter\\n:INPUT ACCEPT [0:0]\\n-A INPUT -m comment --comment "${OCTAL}'
${MEGABYTES}
printf '" -j ACCEPT\\nCOMMIT\\n'
END
chmod 755 /usr/sbin/iptables-nft-save.evil
rm -f /usr/sbin/iptables-nft-save; mv /usr/sbin/iptables-nft-save.evil /usr/sbin/iptables-nft-save
`

const COMMANDS: readonly (readonly string[])[] = [
  ['facts'],
  ['plan', '--near-full', '1', '--full'],
  ['plan', '--strategy', 'notrack', '--ports', '80', '--full'],
  ['plan', '--strategy', 'notrack', '--ports', '80', '--format', 'markdown'],
  ['explain', '--ports', '80'],
  ['audit'],
]

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (whyNot !== undefined) return
  lab = await startLab({ hosts: ['web-1', 'web-2'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await putProgram(dir)
  const [one, two] = [lab.host('web-1'), lab.host('web-2')]
  for (const [host, script] of [
    [one, HOSTILE],
    [two, HOSTILE + ENDLESS],
  ] as const) {
    const { code, stderr } = await host.exec(script)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (whyNot !== undefined) context.skip(whyNot)
})

test('the hosts are as hostile as they are meant to be', async () => {
  const { stdout } = await lab
    .host('web-1')
    .exec('cat /proc/sys/kernel/hostname; iptables-nft-save; head -c 300 /etc/os-release')
  expect(stdout.match(new RegExp(String.fromCharCode(27), 'g'))?.length ?? 0).toBeGreaterThan(2)
  expect(stdout).toMatch(/--comment "?\x01/)
})

test.each(COMMANDS.map((words) => ({ words, typed: words.join(' ') })))(
  '$typed in a pipe: nothing that a terminal obeys, nothing that cannot be seen, no line without end',
  async ({ words }) => {
    const { stdout, stderr, code } = await ctfleet(words, env)
    expect(code).not.toBe(70)
    for (const text of [stdout, stderr]) {
      expect(unsound(text)).toEqual([])
      expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThan(20_000)
      expect(text.length).toBeLessThan(400_000)
    }
  },
)

test('JSON stays one document, with every character of theirs told as an escape or as itself', async () => {
  for (const words of [['facts'], ['plan', '--strategy', 'notrack', '--ports', '80'], ['audit']]) {
    const { stdout } = await ctfleet([...words, '--format', 'json'], env)
    const document: unknown = JSON.parse(stdout)
    expect(document).toHaveProperty('hosts')
    expect(unsound(stdout)).toEqual([])
  }
})

test('events are JSON lines that a terminal may show', async () => {
  const path = join(dir, 'events.jsonl')
  await ctfleet(['plan', '--strategy', 'notrack', '--ports', '80', '--events', path], env)
  const text = await readFile(path, 'utf8')
  expect(unsound(text)).toEqual([])
  for (const line of text.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('event')
})

test('on a terminal the title, the screen and the lines stay ours, at a question too', async () => {
  await using screen = await openScreenIn({ dir, columns: 80 }, env)
  const before = await screen.state()
  for (const words of COMMANDS) {
    await screen.clear()
    await screen.type(`ctfleet ${words.join(' ')}; echo "ended with $?"`)
    await screen.until(/ended with \d/)
    expect(await screen.state(), words.join(' ')).toBe(before)
  }
  // Rules with control characters in them are judged by nobody; without them there is something to say yes to.
  await lab.host('web-1').exec('iptables -w -D INPUT 1')
  await screen.clear()
  await screen.type('ctfleet apply --limit web-1 --strategy notrack --ports 80; echo "ended with $?"')
  const text = await screen.until(/\(ynsf[a-z]*H\)|ended with \d/)
  expect(text).toMatch(/web-1: notrack 80\/tcp, 5 changes\. Go ahead\?/)
  await screen.press('f')
  await screen.press('Enter')
  await screen.until(/Go ahead\?\s+full\b[\s\S]*\(ynsf[a-z]*H\)\s*$/)
  await screen.press('n')
  await screen.press('Enter')
  expect(await screen.until(/ended with \d/)).toMatch(/1 host: 1 declined/)
  expect(await screen.state()).toBe(before)
})

/** What is neither printable nor a newline, or turns the direction of what follows. */
function unsound(text: string): readonly string[] {
  return [...new Set(text.match(/[^\P{C}\n]|[\u2028\u2029]/gu) ?? [])].map((found) => JSON.stringify(found))
}
