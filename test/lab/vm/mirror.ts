import { readdir, readFile } from 'node:fs/promises'
import { run } from '../command.ts'

export type Source = { readonly uri: string; readonly suite: string; readonly components: readonly string[] }

/** The mirror from which this machine's own apt takes a Debian suite; throws where its configuration names none. */
export async function mirrorFor(suite: string): Promise<string> {
  const files = await readdir('/etc/apt/sources.list.d').catch(() => [])
  const paths = ['/etc/apt/sources.list', ...files.map((file) => `/etc/apt/sources.list.d/${file}`)]
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => '')
    const sources = path.endsWith('.sources') ? parseDeb822(text) : path.endsWith('.list') ? parseOneLine(text) : []
    const found = sources.find((source) => source.suite === suite && source.components.includes('main'))
    if (found !== undefined) return found.uri
  }
  throw new Error(`apt on this machine knows no source for ${suite} main; the virtual machine is built from one`)
}

/** Proxy and certificate settings of apt, in the form that debootstrap's wget reads. */
export async function downloadEnvironment(wgetrc: string): Promise<{ env: NodeJS.ProcessEnv; wgetrc: string }> {
  const ask = async (key: string): Promise<string | undefined> => {
    const printed = (await run(['apt-config', 'shell', 'VALUE', key])).stdout
    return /^VALUE='(.*)'$/m.exec(printed)?.[1]
  }
  const http = await ask('Acquire::http::Proxy')
  const https = await ask('Acquire::https::Proxy')
  const ca = (await ask('Acquire::https::CaInfo')) ?? process.env.SSL_CERT_FILE
  return {
    wgetrc: ca === undefined ? '' : `ca_certificate = ${ca}\n`,
    env: {
      ...process.env,
      WGETRC: wgetrc,
      ...(http === undefined || http === 'DIRECT' ? {} : { http_proxy: http }),
      ...(https === undefined || https === 'DIRECT' ? {} : { https_proxy: https }),
    },
  }
}

/** apt's stanza form, `Types: deb` and so on. */
export function parseDeb822(text: string): Source[] {
  return text
    .replace(/^#.*\n?/gm, '')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const field = (name: string): string[] => {
        const value = new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1] ?? ''
        return value.split(/\s+/).filter((word) => word !== '')
      }
      if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return []
      return field('URIs').flatMap((uri) =>
        field('Suites').map((suite) => ({ uri, suite, components: field('Components') })),
      )
    })
}

/** apt's older form, `deb [options] URI SUITE COMPONENT…`. */
export function parseOneLine(text: string): Source[] {
  return [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)$/gm)].map((match) => ({
    uri: match[1] ?? '',
    suite: match[2] ?? '',
    components: (match[3] ?? '').split(/\s+/),
  }))
}
