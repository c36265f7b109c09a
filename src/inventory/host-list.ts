import { type Complaint, quoted } from '../input/complaint.ts'
import { expandHostNames } from './host-names.ts'
import { addHost, complaintAt, NOWHERE, type Written } from './written.ts'

/** Hosts that are named in place of a file: `web1,web[2:4]:2222,` with a comma at least, or `localhost` alone. */
export function isHostList(source: string): boolean {
  return source.includes(',') || source === 'localhost'
}

/** `localhost` without a port is where ctfleet runs, and no connection is made. */
export function readHostList(source: string, written: Written): readonly Complaint[] {
  const complaints: Complaint[] = []
  for (const part of source.split(',').map((each) => each.trim())) {
    if (part === '') continue
    if (part.includes('@')) {
      const [user = '', name = ''] = part.split('@')
      complaints.push(
        complaintAt(source, NOWHERE, [], `${quoted(part)} names a user too`, `write ${name}, and --user ${user}`),
      )
      continue
    }
    const expanded = expandHostNames(part)
    if ('wrong' in expanded) {
      complaints.push(complaintAt(source, NOWHERE, [], expanded.wrong, expanded.hint))
      continue
    }
    for (const { name, port } of expanded.hosts) {
      const isHere = name === 'localhost' && port === null
      addHost(written, { name, port, group: 'ungrouped', isHere }, { file: source, at: NOWHERE, path: [name] })
    }
  }
  return complaints
}
