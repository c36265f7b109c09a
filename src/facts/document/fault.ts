import { z } from '../../input/schema.ts'
import type { Fault, FaultCode } from '../../model/fault.ts'

const CODES: Readonly<Record<FaultCode, true>> = {
  dns: true,
  refused: true,
  unreachable: true,
  'connect-timed-out': true,
  'handshake-timed-out': true,
  'login-timed-out': true,
  'host-key-unknown': true,
  'host-key-changed': true,
  'host-key-revoked': true,
  auth: true,
  lost: true,
  jump: true,
  inventory: true,
  'no-privilege': true,
  'no-shell': true,
  'timed-out': true,
  unreadable: true,
  locked: true,
  drifted: true,
  'step-failed': true,
  'not-verified': true,
  'not-confirmed': true,
  'undo-failed': true,
  bug: true,
  cancelled: true,
}

/** Every code that there is. */
export const FAULT_CODES = Object.keys(CODES) as readonly FaultCode[]

export const faultSchema: z.ZodType<Fault> = z.object({
  code: z.custom<FaultCode>((code) => typeof code === 'string' && Object.hasOwn(CODES, code), 'no fault is called so'),
  message: z.string().max(100_000),
  next: z.string().max(100_000),
})
