/** What a save tool with `-c` printed of packets, by place: `table chain index`, or `table chain policy` of a base chain. */
export function countersIn(saved: string): ReadonlyMap<string, number> {
  const counters = new Map<string, number>()
  const rules = new Map<string, number>()
  let table = ''
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim()
    const policy = /^:(\S+) (?:ACCEPT|DROP) \[(\d+):\d+\]/.exec(line)
    if (policy !== null) counters.set(`${table} ${policy[1]} policy`, Number(policy[2]))
    const rule = /^\[(\d+):\d+\] -A (\S+)/.exec(line)
    if (rule !== null) {
      const chain = `${table} ${rule[2]}`
      const index = rules.get(chain) ?? 0
      rules.set(chain, index + 1)
      counters.set(`${chain} ${index}`, Number(rule[1]))
    }
  }
  return counters
}

/** The line of a place in what the save tool printed. */
export function lineOf(saved: string, place: string): string {
  const [table, chain, at] = place.split(' ')
  const body = saved.split('\n')
  const from = body.findIndex((line) => line.startsWith(`*${table}`))
  const lines = body.slice(from, body.indexOf('COMMIT', from)).map((line) => line.replace(/ ?\[\d+:\d+\] ?/, ''))
  if (at === 'policy') return lines.find((line) => line.startsWith(`:${chain} `)) ?? place
  return lines.filter((line) => `${line} `.startsWith(`-A ${chain} `))[Number(at)] ?? place
}
