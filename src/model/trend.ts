/** One host's table over time, as the record has it. Times are RFC 3339, UTC; sizes entries; usage is entries over max. */
export type HostTrend = {
  readonly host: string
  readonly inventory: string
  /** From the first reading in the window to the last. */
  readonly from: string
  readonly to: string
  readonly readings: number
  /** The last reading that knew how many entries there are; null where none did. */
  readonly now: Level | null
  /** The fullest of all. */
  readonly peak: Level | null
  /** The highest usage in each of as many stretches of time as a line has columns; null where nothing was read. */
  readonly line: readonly (number | null)[]
  /** What was dropped for want of room between the readings. */
  readonly lost: Lost
  /** Where the series splits: what was before is not compared with what comes after. Oldest first. */
  readonly splits: readonly Split[]
  readonly forecast: Forecast
}

export type Level = { readonly at: string; readonly entries: number; readonly max: number | null }

/** `packets` is a lower bound: of the seconds that are not covered (a restart in between, counters unread) nothing is known. */
export type Lost = { readonly packets: number; readonly seconds: number; readonly uncovered: number }

export type Split = {
  readonly at: string
  readonly why: 'restarted' | 'max'
  readonly from: number | null
  readonly to: number | null
}

/** When the table will be full, as far as that can be told. */
export type Forecast =
  /** It is, or was within the last day. */
  | { readonly type: 'full' }
  /** `earliest` and `latest` hold with 90 % confidence; `latest` null: there may be no end to it in sight. */
  | ({
      readonly type: 'fills'
      readonly likely: string
      readonly earliest: string
      readonly latest: string | null
    } & Pace)
  /** Not within the time that can be looked ahead to, or it does not grow. */
  | ({ readonly type: 'not-in-sight'; readonly until: string } & Pace)
  /** @see why completes "no forecast: …"; `need` says how much is needed. */
  | { readonly type: 'none'; readonly why: string; readonly need: string }

/** How the table grows, entries a day, with 90 % confidence; and from what that was worked out. */
export type Pace = {
  readonly perDay: number
  readonly low: number
  readonly high: number
  readonly basis: Basis
}

/** `days`: the peak of each day, so that the time of day does not count. `readings`: all since a while, in which it does. */
export type Basis = { readonly of: 'days' | 'readings'; readonly points: number; readonly since: string }
