/**
 * What is worth telling of how hosts were reached, and is no fault: told once a process for each host, however often it is
 * reached. Transports write it down wherever a session is opened, and whoever shows progress takes it from here.
 */
export type Notes = {
  add(host: string, note: string): void
  /** What came since the last time: each note with the hosts of which it is true, in the order of coming. */
  take(): readonly { readonly note: string; readonly hosts: readonly string[] }[]
}

export const notes: Notes = newNotes()

export function newNotes(): Notes {
  const known = new Map<string, Set<string>>()
  let fresh = new Map<string, string[]>()
  return {
    add(host, note) {
      const hosts = known.get(note) ?? new Set<string>()
      known.set(note, hosts)
      if (hosts.has(host)) return
      hosts.add(host)
      const untold = fresh.get(note) ?? []
      fresh.set(note, untold)
      untold.push(host)
    },
    take() {
      const taken = [...fresh].map(([note, hosts]) => ({ note, hosts }))
      fresh = new Map()
      return taken
    },
  }
}
