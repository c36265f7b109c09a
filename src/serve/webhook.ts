import { createHmac } from 'node:crypto'
import { lifeWithin, pause } from '../transport/cancel.ts'

export type Webhook = {
  readonly url: URL
  readonly secret: string
}

/** The signature is over the timestamp, a dot and the body: who keeps an old message cannot send it again much later. */
export function signed(body: string, secret: string, now: number): { readonly [header: string]: string } {
  const timestamp = String(Math.floor(now / 1000))
  const digest = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  return { 'x-ctfleet-timestamp': timestamp, 'x-ctfleet-signature': `sha256=${digest}` }
}

/** In clear text only what stays on this machine. */
export function mayGoTo(url: URL, isInsecureFine: boolean): boolean {
  if (url.protocol === 'https:') return true
  if (url.protocol !== 'http:') return false
  return isInsecureFine || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
}

/** Seconds to wait before each attempt after the first, and milliseconds that one may take. */
type Pace = { readonly waits: readonly number[]; readonly patience: number }

const PACE: Pace = { waits: [1, 5, 25], patience: 10_000 }

/**
 * Sends it, up to four times where that may help: the far end is out of reach, busy or broken. Whoever receives it twice
 * knows it by what the body says; `x-ctfleet-delivery` is for logs, since the signature does not hold it.
 * @returns null where it was taken, else why not, in words that follow "the webhook".
 */
export async function notifyByWebhook(
  { url, secret }: Webhook,
  { body, delivery }: { readonly body: string; readonly delivery: string },
  signal: AbortSignal,
  { waits, patience }: Pace = PACE,
): Promise<string | null> {
  for (let attempt = 0; ; attempt++) {
    // By AbortSignal.timeout it may go on for ever: lifeWithin says why.
    const life = lifeWithin(signal)
    const late = setTimeout(() => life.end(LATE), patience)
    const came = await send({ url, secret }, { body, delivery }, life.signal, patience)
    clearTimeout(late)
    life.end('answered')
    if (came !== null && signal.aborted) return GIVEN_UP
    if (came === null || !came.again) return came?.why ?? null
    const wait = waits[attempt]
    if (wait === undefined) return attempt === 0 ? came.why : `${came.why}, ${attempt + 1} times`
    await pause(wait * 1000, signal)
    if (signal.aborted) return `${came.why}, and ${GIVEN_UP}`
  }
}

const LATE = 'late'
const GIVEN_UP = 'was given up, since ctfleet stops'

type NotTaken = { readonly why: string; readonly again: boolean }

async function send(
  { url, secret }: Webhook,
  { body, delivery }: { readonly body: string; readonly delivery: string },
  signal: AbortSignal,
  patience: number,
): Promise<NotTaken | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      // It would take what is signed to somewhere else.
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'ctfleet',
        'x-ctfleet-delivery': delivery,
        ...signed(body, secret, Date.now()),
      },
      signal,
    })
    // What it says is of no use to us, and may have no end.
    await response.body?.cancel()
    if (response.ok) return null
    const again = response.status >= 500 || response.status === 429 || response.status === 408
    return { why: `answered with ${response.status}`, again }
  } catch (error) {
    if (signal.reason === LATE) return { why: `did not answer within ${patience / 1000} s`, again: true }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
    return { why: `could not be reached${cause === '' ? '' : `: ${cause}`}`, again: true }
  }
}
