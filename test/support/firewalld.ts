import type { NamespaceHost } from '../lab/index.ts'
import { exists } from '../lab/packages.ts'
import { fetchPackage, type Package, unpackOn } from './debian-package.ts'

/** Debian's firewalld and the parts of it in Python; D-Bus and GLib's bindings are the machine's own. */
const PACKAGES = ['firewalld', 'python3-firewall', 'python3-nftables'] as const
const NEEDED = ['/usr/bin/python3', '/usr/bin/dbus-daemon', '/usr/lib/python3/dist-packages/gi/__init__.py'] as const

/** Why it cannot be had here, or what puts it in place on a host and starts it there. */
export async function fetchFirewalld(): Promise<
  ({ readonly why: string } | { readonly on: (host: NamespaceHost) => Promise<void> }) & AsyncDisposable
> {
  const fetched: (Package & AsyncDisposable)[] = []
  const done = {
    [Symbol.asyncDispose]: async () => {
      for (const each of fetched) await each[Symbol.asyncDispose]()
    },
  }
  for (const path of NEEDED) if (!(await exists(path))) return { why: `firewalld needs ${path}`, ...done }
  for (const name of PACKAGES) fetched.push(await fetchPackage(name))
  const debs = fetched.flatMap((each) => ('deb' in each ? [each] : []))
  const [missing] = fetched.flatMap((each) => ('why' in each ? [each.why] : []))
  if (missing !== undefined) return { why: missing, ...done }
  const on = async (host: NamespaceHost) => {
    for (const deb of debs) await unpackOn(host, deb)
    const { code, stderr, stdout } = await host.exec(START, { timeoutSeconds: 120 })
    if (code !== 0) throw new Error(`${host.name}: firewalld does not start: ${stderr}${stdout}`)
  }
  return { on, ...done }
}

/** With rules kept by iptables, which a namespace has; its own program asks PolicyKit, and so is of no use here. */
const START = `mkdir -p /run/dbus
sed -i 's/^FirewallBackend=.*/FirewallBackend=iptables/' /etc/firewalld/firewalld.conf
dbus-daemon --system --fork --nopidfile
firewalld --nofork --nopid > /var/log/firewalld.out 2>&1 < /dev/null &
tries=0
until iptables -S INPUT_ZONES > /dev/null 2>&1; do
  tries=$((tries + 1))
  if [ $tries -gt 120 ]; then cat /var/log/firewalld.out >&2; exit 1; fi
  sleep 0.5
done`
