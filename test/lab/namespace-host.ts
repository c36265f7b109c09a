import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { type Ended, poll, run } from './command.ts'
import { normaliseDump } from './dump.ts'
import { drainTable, fillTable } from './entries.ts'
import type { LabHost, NamespaceHost } from './host.ts'
import { attachHost, detachHost, killHard, setPort } from './network.ts'
import { exists, textOf } from './packages.ts'
import { type Personality, personalityOf } from './personalities.ts'
import { placeOf, type Slot, segmentOf } from './slot.ts'
import { sshCommand } from './ssh.ts'
import { type HostRecord, jumpsTo, readState } from './state.ts'

const HERE = import.meta.dirname

/** Root in a host must not reach the kernel that it shares with the machine: no modules, no clock. */
const DROP = ['setpriv', '--bounding-set', '-sys_module,-sys_time', '--inh-caps', '-sys_module,-sys_time']
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Boots a namespace host and waits until its sshd listens; throws with the host's own log when it does not. */
export async function startHost(
  slot: Slot,
  host: HostRecord,
  given: { readonly personality: Personality; readonly hostKey: string; readonly authorizedKey: string },
): Promise<void> {
  const place = placeOf(slot, host.index, host.name, host.behind?.length)
  const inside = host.isJump === true ? segmentOf(slot, (host.behind?.length ?? 0) + 1) : undefined
  await mkdir(place.dir, { recursive: true })
  // What an earlier start said says nothing about this one.
  await rm(`${place.dir}/state`, { force: true })
  await attachHost(slot, place, inside)
  const log = openSync(`${place.dir}/init.log`, 'a')
  const init = spawn(
    'nsenter',
    [
      `--net=/run/netns/${place.netns}`,
      ...['unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child'],
      ...[...DROP, 'bash', `${HERE}/host-init.sh`],
    ],
    {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        PATH,
        HOST: host.name,
        PERSONALITY: `${HERE}/personalities/${given.personality.script}.sh`,
        DIR: place.dir,
        LOGIN: host.user,
        SUDO: given.personality.sudo ?? '',
        ADDRESS: place.address,
        ADDRESS6: place.address6,
        PREFIX: String(place.segment.prefix),
        MACHINE: place.segment.gateway,
        MACHINE6: place.segment.gateway6,
        INSIDE: inside === undefined ? '' : `${inside.gateway}/${inside.prefix}`,
        INSIDE6: inside === undefined ? '' : `${inside.gateway6}/64`,
        HOST_KEY: given.hostKey,
        AUTHORIZED_KEY: given.authorizedKey,
        FIRST_BOOT: (await exists(`${place.dir}/upper`)) ? 'no' : 'yes',
      },
    },
  )
  closeSync(log)
  init.unref()
  const ready = await poll(
    async () => {
      if ((await textOf(`${place.dir}/state`)) === 'ready\n') return true
      return init.exitCode === null && init.signalCode === null ? undefined : false
    },
    { everyMs: 15, timeoutSeconds: 20 },
  )
  if (ready !== true) throw new Error(`${host.name} did not boot: ${(await textOf(`${place.dir}/init.log`)) ?? ''}`)
}

/** Ends all processes of a host, by the first one of its pid namespace; quietly when there is none. */
export async function stopHost(dir: string): Promise<void> {
  const pid = await initPid(dir)
  if (pid === undefined) return
  killHard(pid)
  await poll(async () => ((await exists(`/proc/${pid}/ns/pid`)) ? undefined : true), { everyMs: 10, timeoutSeconds: 5 })
  await rm(`${dir}/init.pid`, { force: true })
}

export function namespaceHost(slot: Slot, host: HostRecord, labDir: string): NamespaceHost {
  const place = placeOf(slot, host.index, host.name, host.behind?.length)
  const exec: LabHost['exec'] = async (command, options = {}): Promise<Ended> => {
    const pid = await initPid(place.dir)
    if (pid === undefined) return { code: 127, stdout: '', stderr: `${host.name} is not running\n` }
    const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
    const inside = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd']
    const env = ['env', '-i', `PATH=${PATH}`, 'HOME=/root', 'USER=root', 'LOGNAME=root']
    return run(['nsenter', '--target', String(pid), ...inside, ...DROP, ...env, ...argv], options)
  }
  const again = async (disk: 'kept' | 'new'): Promise<void> => {
    const personality = personalityOf(host.name)
    await stopHost(place.dir)
    await detachHost(slot, place)
    if (disk === 'new') {
      const parts = ['upper', 'work', 'home', 'roothome', 'new']
      await Promise.all(parts.map((part) => rm(`${place.dir}/${part}`, { recursive: true, force: true })))
    }
    const [hostKey, authorizedKey] = await Promise.all([
      readFile(`${slot.dir}/keys/${host.name}`, 'utf8'),
      readFile(`${labDir}/id_ed25519.pub`, 'utf8'),
    ])
    await startHost(slot, host, { personality, hostKey, authorizedKey: authorizedKey.trim() })
  }
  return {
    name: host.name,
    address: place.address,
    address6: place.address6,
    port: 22,
    user: host.user,
    exec,
    async ssh(command, options = {}) {
      const jumps = jumpsTo(await readState(labDir), host)
      const { user } = host
      return await run(sshCommand(labDir, { user, address: place.address, port: 22, jumps }, command), options)
    },
    fill: (options = {}) => fillTable(exec, place.address, options),
    drain: () => drainTable(exec),
    async pid() {
      const pid = await initPid(place.dir)
      if (pid === undefined) throw new Error(`${host.name} is not running`)
      return pid
    },
    reboot: () => again('kept'),
    reinstall: () => again('new'),
    cut: () => setPort(slot, place.port, 'down'),
    mend: () => setPort(slot, place.port, 'up'),
    async dump() {
      // bash, as busybox's sh would take its own find, which knows no -printf.
      const ended = await exec(['bash', '-c', await readFile(`${HERE}/dump.sh`, 'utf8')])
      if (ended.code !== 0) throw new Error(`${host.name}: dump exited ${ended.code}: ${ended.stderr}`)
      return normaliseDump(ended.stdout)
    },
  }
}

/** The pid that the machine knows for a host's process 1, if that is still alive and still a lab's. */
async function initPid(dir: string): Promise<number | undefined> {
  const pid = Number(await textOf(`${dir}/init.pid`))
  if (!Number.isInteger(pid) || pid < 2) return undefined
  // Numbers are used again: the process must have been started for this very directory.
  const environment = (await textOf(`/proc/${pid}/environ`))?.split('\0') ?? []
  return environment.includes(`DIR=${dir}`) ? pid : undefined
}
