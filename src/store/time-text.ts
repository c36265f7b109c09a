/** All of RFC 3339 that a UTC time needs, in one length: as text such times sort as they came. @throws RangeError for none. */
export function timeText(time: string): string {
  return new Date(time).toISOString()
}
