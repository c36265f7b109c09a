import type { Target } from './tools.ts'

/** An inventory that Ansible and ctfleet read alike; JSON is YAML. */
export function inventoryText(
  hosts: readonly Target[],
  { knownHosts, privateKeyFile }: { readonly knownHosts: string; readonly privateKeyFile: string },
): string {
  const vars = {
    ansible_ssh_private_key_file: privateKeyFile,
    ansible_ssh_common_args: `-o UserKnownHostsFile=${knownHosts}`,
    ansible_python_interpreter: '/usr/bin/python3',
    ctfleet_known_hosts_file: knownHosts,
  }
  const all = hosts.map(({ name, address, port, user }) => [
    name,
    { ansible_host: address, ansible_port: port, ansible_user: user },
  ])
  return JSON.stringify({ all: { vars, hosts: Object.fromEntries(all) } })
}
