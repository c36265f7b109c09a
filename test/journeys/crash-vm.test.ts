import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { HostResult } from '../../src/model/result.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { resumeHost } from '../../src/run/resume-host.ts'
import { rollbackHost } from '../../src/run/rollback-host.ts'
import { STRIKE_DIR, withBoundaries } from '../crash/boundaries.ts'
import { poll } from '../lab/command.ts'
import { canRunLab, type LabVm, startVm } from '../lab/index.ts'
import { planOn, type Wish } from '../support/hand-made-plan.ts'
import { inventoryHost } from '../support/lab-host.ts'
import { acceptPort, edit } from '../support/rules.ts'
import { journalOf, launched, remains } from '../support/trouble.ts'

/** The plug is pulled on a machine with a kernel and a disk of its own: what was not synced is lost with it. */

const able = canRunLab()
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }
const PATH = '/etc/modprobe.d/ctfleet.conf'
const WISHES: readonly Wish[] = [
  ['hash-size', { buckets: 50_000 }],
  ['kernel-modules', { unload: ['xt_conntrack'] }],
  ['firewall', { edits: [edit({ backend: 'legacy', spec: acceptPort(8001, 'ctfleet:test:1') })] }],
  ['file', { path: PATH, content: 'options nf_conntrack hashsize=50176\n' }],
]

type Pulled = {
  readonly at: string
  readonly confirmed: boolean
  readonly status: HostResult['status']
  /** Whether the module was unloaded by then, so that the undo loads it again; the restart alone leaves it out. */
  readonly unloads: boolean
}

/** Where the host waits for the plug to be pulled, and what resume makes of it. The first finds a machine that has just started. */
const PULLED: readonly Pulled[] = [
  { at: 'switch after armed', confirmed: false, status: 'rolled-back', unloads: false },
  { at: 'run after applied', confirmed: false, status: 'rolled-back', unloads: true },
  { at: 'confirm after confirmed', confirmed: true, status: 'rolled-back', unloads: true },
  { at: 'confirm after apply 4', confirmed: true, status: 'rolled-back', unloads: true },
  { at: 'confirm after committed', confirmed: true, status: 'applied', unloads: true },
]

let vm: LabVm | undefined
let why = 'virtual machines need root'
beforeAll(async () => {
  if (!able.ok) why = able.why
  else
    vm = await startVm().catch((error: unknown) => {
      why = `no virtual machine can be had here: ${String(error).slice(0, 200)}`
      return undefined
    })
}, 900_000)
afterAll(async () => await vm?.down())
beforeEach((context) => {
  if (vm === undefined) context.skip(why)
})

test.each(PULLED)(
  'restarted at "$at", resume says $status and the host is so',
  async ({ at, confirmed, status, unloads }) => {
    const there = vm as LabVm
    const host = inventoryHost(there.dir, there)
    const unloaded = await there.dump()
    await there.exec('modprobe -a nf_conntrack xt_conntrack')
    const loaded = await there.dump()
    const { id: _, ...planned } = await planOn(host, WISHES)
    const plan = sealPlan({ ...planned, script: withBoundaries(planned.script) })
    const wait = `while [ ! -e ${STRIKE_DIR}/go ]; do sleep 0.1; done`
    await there.exec(`mkdir ${STRIKE_DIR}; echo '${at}' > ${STRIKE_DIR}/at; echo '${wait}' > ${STRIKE_DIR}/fault`)

    const transaction = `pulled-${PULLED.findIndex((each) => each.at === at)}`
    const launching = launched(host, plan, { transaction, window: 100, confirmWithin: 300 }).catch(() => [])
    if (confirmed) {
      expect(await launching).toContain('applied')
      await there.exec(`sh /var/lib/ctfleet/${transaction}/transaction start confirm`)
    }
    const struck = async () => ((await there.exec(`ls -d ${STRIKE_DIR}/struck`)).code === 0 ? true : undefined)
    expect(await poll(struck, { everyMs: 300, timeoutSeconds: 90 })).toBe(true)
    await there.reset()

    const result = await resumeHost({ plan, transaction }, TELLING)
    const journal = (await there.exec(`cat /var/lib/ctfleet/${transaction}/journal`)).stdout
    expect(result.status, `${JSON.stringify({ ...result, plan: undefined })}\n${journal}`).toBe(status)
    if (status === 'applied') {
      expect((await journalOf(there, transaction)).at(-1)).toBe('committed')
      expect(await there.dump()).toContain(`${PATH} f 644 0:0`)
      expect((await there.exec('ls /var/lib/ctfleet')).stdout).toBe(`${transaction}\n`)
      expect(await rollbackHost({ plan, transaction }, TELLING)).toMatchObject({ status: 'rolled-back' })
    }
    expect(await there.dump()).toBe(unloads ? loaded : unloaded)
    expect(await remains(there)).toBe('')
  },
  600_000,
)
