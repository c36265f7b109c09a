import { canRunLab } from './lab.ts'
import { ensurePackages } from './packages.ts'

/** Debian's packages for every journey, before the first one asks whether it can run here. */
export async function setup(): Promise<void> {
  if (canRunLab().ok) await ensurePackages('namespaces', (line) => process.stderr.write(`${line}\n`))
}
