import { createRequire } from 'node:module'

/** Ours, as package.json has it. */
export function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('#package.json')
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}
