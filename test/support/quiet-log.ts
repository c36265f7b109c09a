import type { LabHost } from '../lab/index.ts'

/** All hosts of the machine's labs have one kernel log, and others fill tables too: this host's is empty. */
export async function withQuietLog(host: LabHost): Promise<void> {
  await host.exec("rm -f /usr/bin/dmesg; printf '#!/bin/sh\\n' > /usr/bin/dmesg; chmod 755 /usr/bin/dmesg")
}
