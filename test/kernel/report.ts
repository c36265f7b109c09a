import { addressText } from './addresses.ts'
import { type Datagram, protocolNumber } from './datagram.ts'
import type { Disagreement, Held } from './hold.ts'
import type { Shot } from './predict.ts'

/** One line on what was compared. */
export function summaryOf(name: string, held: readonly Held[]): string {
  const total = (of: (each: Held) => number) => held.reduce((sum, each) => sum + of(each), 0)
  const packets = total((each) => each.packets)
  const [open, lost] = [total((each) => each.notTold), total((each) => each.notSent)]
  const share = packets + lost === 0 ? 0 : (100 * (open + lost)) / (packets + lost)
  return [
    `${name}: ${held.length} rule sets, ${total((each) => each.rules)} rules, ${packets} packets`,
    `${total((each) => each.comparisons)} counters compared, ${total((each) => each.ranges)} more within a range, ${total((each) => each.busy)} of them above 0`,
    `not told ${open} and not sent ${lost} (${share.toFixed(1)} %)`,
    `${total((each) => each.disagreements.length)} disagreements`,
  ].join('; ')
}

/** One disagreement in full: rule, packet, both answers and, once, the rules. */
export function disagreementText({ place, line, model, kernel, packets, saved }: Disagreement, rules: boolean): string {
  return [
    `at ${place}: ${line}`,
    `  model: ${model}   kernel: ${kernel}`,
    ...packets.map((shot) => `  packet: ${shotText(shot)}`),
    ...(rules ? [saved.replace(/^#.*\n/gm, '')] : []),
  ].join('\n')
}

function shotText({ datagram, from, interface: at, pieces }: Shot): string {
  const way = from === 'wire' ? `in by ${at}` : `sent by the host out of ${at}`
  return `${datagramText(datagram)} ttl ${datagram.ttl} ${way}${pieces === 'whole' ? '' : ` in pieces: ${pieces}`}`
}

function datagramText(datagram: Datagram): string {
  const { family, source, destination, body } = datagram
  const ends = `${addressText(family, source)} > ${addressText(family, destination)}`
  switch (body.protocol) {
    case 'tcp':
      return `tcp ${ends} ports ${body.sourcePort} > ${body.destinationPort} [${body.flags.join()}]`
    case 'udp':
      return `udp ${ends} ports ${body.sourcePort} > ${body.destinationPort}`
    case 'icmp': {
      const about = body.about === null ? '' : ` about (${datagramText(body.about)})`
      return `icmp ${ends} type ${body.type}/${body.code}${about}`
    }
    default:
      return `protocol ${protocolNumber(datagram)} ${ends}`
  }
}
