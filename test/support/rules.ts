/** One edit as the firewall step takes it; what is not said is the commonest case. */
export function edit(given: {
  readonly spec: string
  readonly key?: string
  readonly backend?: 'legacy' | 'nft'
  readonly family?: 'ip' | 'ip6'
  readonly table?: string
  readonly chain?: string
  readonly action?: 'add' | 'remove'
  readonly after?: string | null
  readonly before?: string | null
}) {
  const key = given.key ?? 'ctfleet:test:1'
  return {
    backend: 'nft',
    family: 'ip',
    table: 'filter',
    chain: 'INPUT',
    action: 'add',
    after: null,
    before: null,
    ...given,
    key,
  }
}

/** An accept for a port that nothing listens on, known by its comment. */
export function acceptPort(port: number, key: string): string {
  return `-p tcp -m tcp --dport ${port} -m comment --comment ${key} -j ACCEPT`
}
