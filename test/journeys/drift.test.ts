import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { fetchFirewalld } from '../support/firewalld.ts'
import { fetchUfw, ufwOn } from '../support/ufw.ts'

/** What ctfleet applied is changed by each of those who do so; the audit names who it was, how sure that is, and why. */

const able = canRunLab()
const NOTRACK = ['--strategy', 'notrack', '--ports', '80', '--accept-session-loss']

/** Timeouts are the namespace's own, so that any host of the lab can have them changed. */
const TIMES = `name: site-times
title: times of this site
about: Entries of connections that are over, or silent, go sooner.
steps:
  - name: established
    sysctl: { key: net.netfilter.nf_conntrack_tcp_timeout_established, value: 7200 }
  - name: after a reboot
    file:
      path: /etc/sysctl.d/60-site-times.conf
      content: "net.netfilter.nf_conntrack_tcp_timeout_established = 7200\\n"
verify: [reads-back, login]
`
const KEY = 'net.netfilter.nf_conntrack_tcp_timeout_established'

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }
let times: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  times = join(dir, 'site-times.yaml')
  await writeFile(times, TIMES)
  if (!able.ok) return
  lab = await startLab({ hosts: [...Array(14).keys()].map((at) => `open-${at + 1}`) })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

describe('rules', () => {
  test('of a chain that ufw writes anew are gone with its reload', async (context) => {
    await using ufw = await fetchUfw()
    if ('why' in ufw) return context.skip(ufw.why)
    const host = lab.host('open-1')
    await ufwOn(host, ufw, [
      "sed -i '/^# End required lines/a -A ufw-after-input -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT' /etc/ufw/after.rules",
      'ufw allow 22',
    ])
    await apply(host, NOTRACK)
    expect(await driftOn(host)).toEqual([])
    await done(host, 'ufw reload')
    expect(await driftOn(host)).toMatchObject([
      {
        title: expect.stringMatching(/changes that ctfleet applied (?:is|are) not in force, most likely by ufw$/),
        by: [{ who: 'ufw', certainty: 'likely' }],
      },
    ])
  })

  test('that a person took out leave no trace but their absence, and nobody is named', async () => {
    const host = lab.host('open-2')
    await apply(host, NOTRACK)
    expect(await findingsOn(host)).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({
          rule: 'not-persistent',
          title: expect.stringMatching(/^\d+ rules that ctfleet added would not survive a reboot$/),
        }),
      ]),
    )
    await done(host, 'iptables -t raw -F')
    const [finding] = await driftOn(host)
    expect(finding).toMatchObject({ by: [], severity: 'warning' })
    expect(finding?.title).toMatch(/1 of \d changes .* by a person or a program that leaves no trace$/)
    expect(finding?.evidence.at(-1)).toBe('nothing on the host shows who: a person, or a program that leaves no trace')
  })

  test('that a person took out by sudo are on record under that name, with the command', async () => {
    const host = lab.host('open-3')
    await apply(host, NOTRACK)
    await done(host, `iptables -t raw -F; ${sudoLog('alice', '/usr/sbin/iptables -t raw -F')}`)
    expect(await driftOn(host)).toMatchObject([
      {
        by: [
          { who: 'alice, a person who used sudo', certainty: 'likely', evidence: [/alice ran .*iptables -t raw -F/] },
        ],
      },
    ])
  })

  test('are gone where firewalld begins to make its own', async (context) => {
    await using firewalld = await fetchFirewalld()
    if ('why' in firewalld) return context.skip(firewalld.why)
    const host = lab.host('open-11')
    await apply(host, NOTRACK)
    await done(host, 'sleep 1.2')
    await firewalld.on(host)
    expect(await driftOn(host)).toMatchObject([
      {
        title: expect.stringMatching(/(?:is|are) not in force, most likely by firewalld$/),
        by: [{ who: 'firewalld', certainty: 'likely' }],
      },
    ])
  })

  test('of which no file was written are gone with a restart, and nobody else is to blame', async () => {
    const host = lab.host('open-12')
    await apply(host, NOTRACK)
    await host.reboot()
    expect(await driftOn(host)).toMatchObject([
      {
        title: expect.stringMatching(/did not survive the restart$/),
        by: [{ who: 'the restart', certainty: 'certain' }],
      },
    ])
  })

  test('of docker bring tracking back that was ended', async () => {
    const host = lab.host('open-4')
    await done(host, 'iptables-nft -A INPUT -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT')
    await apply(host, ['--strategy', 'unload', '--accept-session-loss'])
    expect(await driftOn(host)).toEqual([])
    await done(host, `iptables-restore --noflush << 'END'\n${DOCKER}END`)
    const [finding] = await driftOn(host)
    expect(finding).toMatchObject({ by: [{ who: 'docker', certainty: 'certain' }] })
    expect(finding?.title).toBe('connections are tracked again, which ctfleet had ended, by docker')
    expect(finding?.evidence.join('\n')).toContain('needs tracking')
  })
})

describe('settings', () => {
  test('that a person typed leave no trace', async () => {
    const host = lab.host('open-5')
    await apply(host, ['--strategy', times])
    expect(await driftOn(host)).toEqual([])
    await done(host, `sysctl -w ${KEY}=3333`)
    const [finding] = await driftOn(host)
    expect(finding).toMatchObject({ by: [] })
    expect(finding?.evidence).toContain(`there now: ${KEY} = 3333`)
  })

  test('that kube-proxy makes by its configuration are its own', async () => {
    const host = lab.host('open-6')
    await apply(host, ['--strategy', times])
    await done(
      host,
      `cp /bin/dash /usr/local/bin/kube-proxy
printf 'conntrack:\\n  maxPerCore: 0\\n  tcpEstablishedTimeout: 5h30m0s\\n' > /etc/kube-proxy.conf
sleep 1.2
${running('kube-proxy')}
sysctl -w ${KEY}=19800; iptables-restore --noflush << 'END'\n${KUBE_PROXY}END`,
    )
    expect(await driftOn(host)).toMatchObject([{ by: [{ who: 'kube-proxy', certainty: 'likely' }] }])
  })

  test('that tuned makes by its active profile are its own', async () => {
    const host = lab.host('open-7')
    await apply(host, ['--strategy', times])
    await done(
      host,
      `mkdir -p /etc/tuned/site /usr/lib/tuned/network-site; echo site > /etc/tuned/active_profile
printf '[main]\\ninclude=network-site\\n' > /etc/tuned/site/tuned.conf
printf '[sysctl]\\n${KEY}=1800\\n' > /usr/lib/tuned/network-site/tuned.conf
sysctl -w ${KEY}=1800`,
    )
    const [finding] = await driftOn(host)
    expect(finding).toMatchObject({ by: [{ who: 'tuned', certainty: 'likely' }] })
    expect(finding?.evidence.join('\n')).toContain('/usr/lib/tuned/network-site/tuned.conf')
  })

  test('that Proxmox makes by host.fw are its own', async () => {
    const host = lab.host('open-8')
    await apply(host, ['--strategy', times])
    await done(
      host,
      `mkdir -p /etc/pve/local; printf '[OPTIONS]\\nnf_conntrack_tcp_timeout_established: 7875\\n' > /etc/pve/local/host.fw
sysctl -w ${KEY}=7875`,
    )
    expect(await driftOn(host)).toMatchObject([{ by: [{ who: 'proxmox', certainty: 'likely' }] }])
  })

  test('of another file, and an edit of ours, are told with when they were written and whose they are', async () => {
    const host = lab.host('open-9')
    await apply(host, ['--strategy', times])
    await done(
      host,
      `sleep 1.2; sed -i s/7200/600/ /etc/sysctl.d/60-site-times.conf; chown ops:ops /etc/sysctl.d/60-site-times.conf 2> /dev/null
echo '${KEY} = 900' > /etc/sysctl.d/99-other.conf; sysctl -p /etc/sysctl.d/99-other.conf`,
    )
    const [finding] = await driftOn(host)
    expect(finding?.title).toMatch(
      /^2 of 2 changes that ctfleet applied are not in force, most likely by \/etc\/sysctl.d\/99-other.conf$/,
    )
    expect(finding?.by?.[0]?.evidence.join('\n')).toMatch(/99-other.conf: written 20.* UTC, after ctfleet's change/)
    expect(finding?.evidence.join('\n')).toMatch(/60-site-times.conf: written 20.* UTC, after ctfleet's change/)
  })
})

test('what was taken back on the host itself is nobody else’s doing', async () => {
  const host = lab.host('open-10')
  await apply(host, NOTRACK)
  await done(host, 'sh /var/lib/ctfleet/*/undo')
  expect(await driftOn(host)).toMatchObject([{ by: [{ who: 'ctfleet', certainty: 'certain' }] }])
  const without = await ctfleet(['audit', '--no-drift', '--limit', host.name, '--format', 'json'], env)
  expect(rulesIn(without.stdout)).not.toContain('drift')
})

test('what another hand changed is not put to ctfleet once the host was cleaned, nor is another host of the same name', async () => {
  const host = lab.host('open-13')
  await apply(host, ['--strategy', times])
  // Whoever carried the change there may not have ended yet.
  const clean = async () => (await ctfleet(['clean', '--limit', host.name, '--yes'], env)).code === 0 || undefined
  expect(await poll(clean, { everyMs: 500, timeoutSeconds: 30 })).toBe(true)
  await done(host, `echo '${KEY} = 900' > /etc/sysctl.d/99-other.conf; sysctl -p /etc/sysctl.d/99-other.conf`)
  expect(await driftOn(host)).toMatchObject([
    {
      title: expect.stringMatching(/ is not in force, most likely by \/etc\/sysctl.d\/99-other.conf$/),
      by: [
        { who: '/etc/sysctl.d/99-other.conf', certainty: 'likely' },
        { who: 'ctfleet', certainty: 'possible' },
      ],
    },
  ])

  // Its name is that of another host in this one; the record of runs is the same.
  const other = join(lab.dir, 'other.yaml')
  const text = await readFile(lab.inventoryPath, 'utf8')
  await writeFile(
    other,
    text.replaceAll(/\bopen-1[34]\b/g, (name) => (name === 'open-13' ? 'open-14' : 'open-13')),
  )
  const said = await ctfleet(['audit', '--inventory', other, '--limit', host.name, '--format', 'json'], env)
  const rules = rulesIn(said.stdout)
  expect(rules).not.toContain('drift')
  expect(rules).not.toContain('cannot-tell')
})

/** As docker 24 makes them for one container with a published port. */
const DOCKER = `*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
`

/** As kube-proxy 1.29 makes them in its iptables mode, without a service. */
const KUBE_PROXY = `*filter
:KUBE-FORWARD - [0:0]
:KUBE-FIREWALL - [0:0]
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
`

/** A process of that name, as the kernel tells it, that does nothing. */
function running(name: string): string {
  return `/usr/local/bin/${name} -c 'sleep 600; :' ${name} --config=/etc/${name}.conf < /dev/null > /dev/null 2>&1 &`
}

/** As sudo writes it by way of syslog, which no host of the lab runs. */
function sudoLog(user: string, command: string): string {
  return `sleep 1.2; echo "$(date '+%b %e %H:%M:%S') $(hostname) sudo: ${user} : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=${command}" >> /var/log/auth.log`
}

async function apply(host: NamespaceHost, words: readonly string[]): Promise<void> {
  const said = await ctfleet(['apply', ...words, '--limit', host.name, '--yes', '--format', 'json'], env)
  expect(JSON.parse(said.stdout).hosts, said.stdout + said.stderr).toMatchObject([{ status: 'applied' }])
}

async function done(host: NamespaceHost, script: string): Promise<void> {
  const ended = await host.exec(script, { timeoutSeconds: 120 })
  expect(ended.code, ended.stderr).toBe(0)
}

type Finding = {
  readonly rule: string
  readonly severity: string
  readonly title: string
  readonly evidence: readonly string[]
  readonly by?: readonly { readonly who: string; readonly certainty: string; readonly evidence: readonly string[] }[]
}

/** What the audit has to say of drift on this host. */
async function driftOn(host: NamespaceHost): Promise<readonly Finding[]> {
  return (await findingsOn(host)).filter(({ rule }) => rule === 'drift')
}

async function findingsOn(host: NamespaceHost): Promise<readonly Finding[]> {
  const said = await ctfleet(['audit', '--limit', host.name, '--format', 'json'], env)
  return JSON.parse(said.stdout).hosts[0].findings
}

function rulesIn(stdout: string): readonly string[] {
  return JSON.parse(stdout).hosts.flatMap(({ findings }: { findings: readonly Finding[] }) =>
    findings.map(({ rule }) => rule),
  )
}
