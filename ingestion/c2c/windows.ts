/**
 * Which times to ask for. The API shows the last six months, at most 30 days at a time. Windows overlap by a second, as it is
 * not said whether their ends belong to them.
 */

/** Epoch ms, both ends included. */
export interface Window {
  from: number;
  to: number;
}

/** How far one sink has come with one side. */
export interface Position {
  /** Everything made up to here was asked for and stored, epoch ms. */
  through: number;
  /** Hours (epoch ms of their beginning) in which orders were made that had not ended. */
  open: number[];
}

export type FetchMode = 'latest' | 'latest_month' | 'backfill';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LONGEST = 30 * DAY;
const SEAM = 1_000;
/** An order may come to be seen, or change for the last time, this much after it was made. */
export const OVERLAP = DAY;
/** Hours of open orders so close together are asked for as one. */
const BRIDGE = 12 * HOUR;

/** The same time of day six months ago (UTC), epoch ms; of a shorter month its last day. */
export function sixMonthsBefore(now: number): number {
  const at = new Date(now);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() - 6);
  const lastDay = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  return at.setUTCDate(Math.min(day, lastDay));
}

/** The window in pieces that may be asked for, oldest first. */
export function pieces({ from, to }: Window): Window[] {
  const parts: Window[] = [];
  for (let at = from; ; at += LONGEST - SEAM) {
    const end = Math.min(at + LONGEST, to);
    parts.push({ from: at, to: end });
    if (end >= to) return parts;
  }
}

/** The window in two, where one has too many pages; null where it can't be cut. */
export function halves({ from, to }: Window): [Window, Window] | null {
  const middle = Math.floor((from + to) / 2);
  if (to - from < 2) return null;
  return [
    { from, to: middle },
    { from: middle, to },
  ];
}

/** The hours of open orders as windows, oldest first. */
function openWindows(hours: readonly number[], before: number): Window[] {
  const windows: Window[] = [];
  for (const hour of hours.toSorted((a, b) => a - b).filter((h) => h < before)) {
    const last = windows.at(-1);
    if (last && hour - last.to <= BRIDGE && hour + HOUR - last.from <= LONGEST) last.to = hour + HOUR;
    else windows.push({ from: hour, to: hour + HOUR });
  }
  return windows;
}

/**
 * What to ask for at `now` (the exchange's clock), oldest first, where the sinks have come to `positions` (null: nothing
 * yet). `latest` without a position asks for everything there is.
 */
export function plan(mode: FetchMode, positions: readonly (Position | null)[], now: number): Window[] {
  const oldest = sixMonthsBefore(now);
  if (mode === 'latest_month') return [{ from: now - LONGEST, to: now }];
  const known = positions.flatMap((position) => position ?? []);
  if (mode === 'backfill' || known.length < positions.length) {
    // orders fall off the far end while it is read: that end is apart, so that the pages of nothing else move by it
    return [{ from: oldest, to: oldest + DAY }, ...pieces({ from: oldest + DAY - SEAM, to: now })];
  }
  const since = Math.max(oldest, Math.min(...known.map(({ through }) => through - OVERLAP)));
  const hours = [...new Set(known.flatMap(({ open }) => open))].filter((hour) => hour + HOUR > oldest);
  return [...openWindows(hours, since), ...pieces({ from: Math.min(since, now), to: now })];
}

/** The position before anything is stored where everything is asked for: the far end. */
export function beginning(windows: readonly Window[]): Position {
  return { through: windows[0]?.from ?? 0, open: [] };
}

/**
 * The position from which the windows that begin at `first` (null: they say nothing of that) go on, `known` being what is stored. Where
 * they begin after it, what lies between is shown to nobody any more: else the position would never move again.
 */
export function resumed(known: Position | null, first: Position | null): Position | null {
  if (!known || !first) return known ?? first;
  return { ...known, through: Math.max(known.through, first.through) };
}

/**
 * The position when a window has been stored as a whole, `openAt` being when its orders that had not ended were made. What lies behind
 * a hole does not count as stored.
 */
export function advanced(position: Position, window: Window, openAt: readonly number[]): Position {
  const elsewhere = position.open.filter((hour) => hour < window.from || hour + HOUR > window.to);
  const found = openAt.map((time) => Math.floor(time / HOUR) * HOUR);
  const through = window.from <= position.through ? Math.max(position.through, window.to) : position.through;
  // nobody is shown an older one any more
  const shown = (hour: number): boolean => hour + HOUR > sixMonthsBefore(through);
  return { through, open: [...new Set([...elsewhere, ...found])].filter(shown).sort((a, b) => a - b) };
}
