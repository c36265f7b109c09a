const VERSION = 1

/** Each host with its `status` and either `facts`, every reading known or with its reason, or the `fault`. */
export function factsJson(results: readonly { readonly host: string; readonly status: string }[]): object {
  return { version: VERSION, hosts: results }
}
