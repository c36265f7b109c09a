/**
 * Ports as multiport takes them: runs of three and more as `a:b`, in lists of at most fifteen, where a range counts as two
 * (XT_MULTI_PORTS in xt_multiport.h).
 */
export function portLists(ports: readonly number[]): readonly (readonly string[])[] {
  const lists: string[][] = []
  let room = 0
  for (const run of runsOf([...new Set(ports)].sort((a, b) => a - b))) {
    const cost = run.includes(':') ? 2 : 1
    if (room < cost) {
      lists.push([])
      room = 15
    }
    lists.at(-1)?.push(run)
    room -= cost
  }
  return lists
}

function runsOf(sorted: readonly number[]): readonly string[] {
  const runs: string[] = []
  let at = 0
  while (at < sorted.length) {
    let end = at
    while (sorted[end + 1] === (sorted[end] as number) + 1) end += 1
    if (end - at >= 2) runs.push(`${sorted[at]}:${sorted[end]}`)
    else runs.push(...sorted.slice(at, end + 1).map(String))
    at = end + 1
  }
  return runs
}
