import type { SystemFacts } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { sh } from '../shell/script.ts'
import { type Fact, filesIn, linesOf, notUnderstood, readWith, wholeNumber } from './fact.ts'

/** Page size is asked for only where the machine's name does not settle it; CPUs are counted only where sysfs does not say. */
const probe = sh`printf 'machine %s\n' "$machine"
grep -s -m 60 '' /proc/sys/kernel/hostname /proc/sys/kernel/osrelease /proc/sys/kernel/random/boot_id /proc/uptime /proc/1/stat \
  /sys/devices/system/cpu/online /sys/kernel/address_bits /proc/self/personality /run/systemd/container \
  /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/ip_local_port_range \
  /etc/os-release /etc/redhat-release /etc/debian_version
[ -d /proc/sys/net/ipv4 ] && ! [ -d /proc/sys/net/ipv6 ] && echo 'ipv6 absent'
case $machine in
x86_64 | i?86 | s390*) ;;
*) grep -s '^KernelPageSize:' /proc/self/smaps /dev/null | head -n 1 ;;
esac
[ -r /sys/devices/system/cpu/online ] || printf 'processors %s\n' "$(grep -c '^processor' /proc/cpuinfo)"
[ -d /run/systemd/system ] && echo 'init systemd'
[ -e /.dockerenv ] && echo 'sign docker'
[ -e /run/.containerenv ] && echo 'sign podman'
[ -d /proc/vz ] && ! [ -d /proc/bc ] && echo 'sign openvz'
if ! command -v ls >/dev/null; then :
elif [ -L /proc/self/ns/pid ]; then
  namespaces=$(ls -ln /proc/self/ns /proc/1/ns)
  printf '%s\n' "$namespaces"
  case $namespaces in
  *'pid:[4026531836]'*) ;;
  *) [ -e /run/systemd/container ] || grep -s -m 3 -e lxc -e docker -e libpod -e kubepods /proc/1/cgroup /dev/null ;;
  esac
elif ! [ -r /proc/1/environ ]; then echo 'environ unreadable'
elif grep -q 'container=lxc' /proc/1/environ; then echo 'sign lxc'
elif grep -q 'container=' /proc/1/environ; then echo 'sign container'
fi
:`

/** The first pid namespace of a boot has this inode on every kernel that shows inodes at all (include/linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = '4026531836'

export const system: Fact<SystemFacts> = {
  name: 'system',
  probes: [{ name: 'system', probe, bytes: 'own' }],
  parse(sections) {
    const seen = readWith(sections('system'), ({ code, output }) =>
      code === 0
        ? known({ text: output, files: filesIn(output) })
        : unknown(`the probe of the system ended early, with code ${code}`),
    )
    const ask = <T>(parse: (seen: Seen) => Reading<T>) => readWith(seen, parse)
    return {
      hostname: ask((from) => line(from, '/proc/sys/kernel/hostname')),
      os: ask(osOf),
      kernel: ask(kernelOf),
      machine: ask(machineOf),
      archBits: ask(archBitsOf),
      pageSize: ask(pageSizeOf),
      bootId: ask((from) => line(from, '/proc/sys/kernel/random/boot_id')),
      netns: ask((from) => namespaceOf(from, 'net')),
      firstProcess: ask(firstProcessOf),
      uptime: ask(uptimeOf),
      cpus: ask(cpusOf),
      init: ask(({ text }) => known(/^init systemd$/m.test(text) ? 'systemd' : 'other')),
      container: ask(containerOf),
      forwarding: {
        ip: ask((from) => switchAt(from, '/proc/sys/net/ipv4/ip_forward')),
        ip6: ask((from) =>
          /^ipv6 absent$/m.test(from.text) ? known(false) : switchAt(from, '/proc/sys/net/ipv6/conf/all/forwarding'),
        ),
      },
      clientPorts: ask(clientPortsOf),
    }
  },
}

type Seen = { readonly text: string; readonly files: ReadonlyMap<string, readonly string[]> }

function line({ files }: Seen, path: string): Reading<string> {
  const first = files.get(path)?.[0]?.trim().slice(0, 255)
  return first === undefined || first === '' ? unknown(`${path} could not be read`) : known(first)
}

function switchAt(seen: Seen, path: string): Reading<boolean> {
  return readWith(line(seen, path), (text) => {
    const value = wholeNumber(text)
    return value === undefined ? notUnderstood(path, text) : known(value !== 0)
  })
}

function clientPortsOf(seen: Seen): SystemFacts['clientPorts'] {
  const path = '/proc/sys/net/ipv4/ip_local_port_range'
  return readWith(line(seen, path), (text) => {
    const [first, last, ...more] = text.split(/\s+/).map(wholeNumber)
    const isRange = first !== undefined && last !== undefined && first <= last && last <= 65_535 && more.length === 0
    return isRange ? known({ first, last }) : notUnderstood(path, text)
  })
}

function osOf({ files }: Seen): SystemFacts['os'] {
  const release = new Map((files.get('/etc/os-release') ?? []).map(assignment))
  const id = release.get('ID')
  if (id) {
    const version = release.get('VERSION_ID') ?? ''
    return known({ id: id.toLowerCase(), version, name: release.get('PRETTY_NAME') ?? `${id} ${version}`.trim() })
  }
  const redhat = files.get('/etc/redhat-release')?.[0]?.slice(0, 120)
  const [, name, version] = /^(\w+).*? release (\d[\d.]*)/.exec(redhat ?? '') ?? []
  if (redhat && name && version) {
    return known({ id: name === 'Red' ? 'rhel' : name.toLowerCase(), version, name: redhat.trim() })
  }
  const debian = files.get('/etc/debian_version')?.[0]?.trim().slice(0, 40)
  if (debian) return known({ id: 'debian', version: debian, name: `Debian ${debian}` })
  return unknown('none of /etc/os-release, /etc/redhat-release and /etc/debian_version says')
}

function assignment(text: string): [string, string] {
  const equals = text.indexOf('=')
  const value = text.slice(equals + 1, equals + 200).trim()
  return [text.slice(0, Math.max(equals, 0)), /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value]
}

function kernelOf(seen: Seen): SystemFacts['kernel'] {
  return readWith(line(seen, '/proc/sys/kernel/osrelease'), (release) => {
    const [, major, minor] = /^(\d{1,4})\.(\d{1,4})/.exec(release) ?? []
    if (major === undefined || minor === undefined) return notUnderstood('the kernel release', release)
    return known({ release, major: Number(major), minor: Number(minor) })
  })
}

function machineOf({ text }: Seen): Reading<string> {
  const name = /^machine (\S{1,64})$/m.exec(text)?.[1]
  return name === undefined ? unknown('uname -m printed nothing') : known(name)
}

function archBitsOf(seen: Seen): Reading<number> {
  const told = wholeNumber(seen.files.get('/sys/kernel/address_bits')?.[0])
  if (told === 32 || told === 64) return known(told)
  // PER_LINUX32: uname -m is made to say i686 or the like, which only a 64-bit kernel can be asked to do.
  if (/^[0-9a-f]{5,6}08$/.test(seen.files.get('/proc/self/personality')?.[0] ?? '')) return known(64)
  return readWith(machineOf(seen), (machine) => {
    if (
      /^(x86_64|aarch64\w*|ppc64\w*|s390x|riscv64|mips64\w*|loongarch64|ia64|alpha\w*|sparc64|parisc64)$/.test(machine)
    ) {
      return known(64)
    }
    if (/^(i\d86|arm\w*|ppc|mips|riscv32|s390|sparc|parisc|m68k|sh4\w*)$/.test(machine)) return known(32)
    return notUnderstood('the machine name', machine)
  })
}

function pageSizeOf(seen: Seen): Reading<number> {
  const kilobytes = wholeNumber(/KernelPageSize: +(\d{1,6}) kB/.exec(seen.text)?.[1])
  if (kilobytes) return known(kilobytes * 1024)
  return readWith(machineOf(seen), (machine) =>
    /^(x86_64|i\d86|s390x?)$/.test(machine)
      ? known(4096)
      : unknown(`/proc/self/smaps has no KernelPageSize, and ${JSON.stringify(machine)} comes with more than one`),
  )
}

/** @param process `self`, or `1`, whose namespaces only root may see. */
function namespaceOf({ text }: Seen, kind: 'net' | 'pid', process: 'self' | '1' = 'self'): Reading<string> {
  const start = text.indexOf(`\n/proc/${process}/ns:\n`)
  const end = text.indexOf('\n\n', start + 1)
  const listing = start === -1 ? '' : text.slice(start, end === -1 ? undefined : end)
  const inode = new RegExp(` ${kind} -> ${kind}:\\[(\\d{1,20})\\]$`, 'm').exec(listing)?.[1]
  return inode === undefined
    ? unknown(`/proc/${process}/ns/${kind} could not be read: an old kernel, or no ls on the host`)
    : known(inode)
}

/** proc(5): `starttime` is the 20th field after the name, which may hold blanks and brackets of its own. */
function firstProcessOf(seen: Seen): Reading<number> {
  return readWith(line(seen, '/proc/1/stat'), (text) => {
    const started = wholeNumber(text.slice(text.lastIndexOf(')') + 2).split(' ')[19])
    return started === undefined ? notUnderstood('/proc/1/stat', text) : known(started)
  })
}

function uptimeOf({ files }: Seen): Reading<number> {
  const first = /^\d{1,12}(\.\d{1,9})?/.exec(files.get('/proc/uptime')?.[0] ?? '')?.[0]
  return first === undefined ? unknown('/proc/uptime could not be read') : known(Number(first))
}

function cpusOf({ text, files }: Seen): Reading<number> {
  const online = files.get('/sys/devices/system/cpu/online')?.[0]
  if (online !== undefined && /^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(online)) {
    const ranges = online.split(',').map((range) => range.split('-').map(Number))
    return known(ranges.reduce((sum, [first = 0, last = first]) => sum + Math.max(last - first + 1, 0), 0))
  }
  const processors = wholeNumber(/^processors (\d{1,5})$/m.exec(text)?.[1])
  return processors ? known(processors) : unknown('neither sysfs nor /proc/cpuinfo tells the number of CPUs')
}

function containerOf(seen: Seen): SystemFacts['container'] {
  const named = seen.files.get('/run/systemd/container')?.[0]?.trim().slice(0, 40)
  if (named) return known(named)
  const all = linesOf(seen.text, 20_000)
  const signs = all.flatMap((each) => (each.startsWith('sign ') ? [each.slice(5)] : []))
  if (signs.includes('openvz')) return known('openvz')
  const pid = namespaceOf(seen, 'pid')
  if (pid.known) {
    // The files that engines leave also lie in images that whole machines were made from.
    if (pid.value === FIRST_PID_NAMESPACE) return known(ownNetwork(seen) ? 'namespace' : null)
    const group = /^\/proc\/1\/cgroup:.*?(lxc|docker|libpod|kubepods)/m.exec(seen.text)?.[1]
    if (group !== undefined) return known(group === 'libpod' ? 'podman' : group === 'kubepods' ? 'kubernetes' : group)
    return known(signs[0] ?? 'namespace')
  }
  if (signs[0] !== undefined) return known(signs[0])
  if (!all.includes('environ unreadable')) return known(null)
  return unknown('this kernel shows no namespaces, and only root may read /proc/1/environ')
}

/** A network of its own on a machine whose processes it shares: max and buckets are the machine's. */
function ownNetwork(seen: Seen): boolean {
  const ours = namespaceOf(seen, 'net')
  const first = namespaceOf(seen, 'net', '1')
  return ours.known && first.known && ours.value !== first.value
}
