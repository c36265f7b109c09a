import type { Host } from '../../src/model/host.ts'

export const LOCALHOST: Host = {
  name: 'here',
  groups: [],
  address: 'localhost',
  port: 22,
  user: 'root',
  identityFiles: [],
  knownHostsFiles: [],
  become: 'none',
  transport: 'local',
  vars: {},
  origin: 'test',
}
