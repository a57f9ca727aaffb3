/**
 * What several appends have in common goes to Redis in one call of the script: a command costs the client and the server
 * more than an event of it. A call is short, since Redis does nothing else meanwhile.
 */
import { type LiveAppend, type LiveWrite, type SourceFence, TRIM_PER_APPEND } from '../store.ts';
import { IDS, META } from './scripts.ts';

/** Events of one call, and the characters of what they write, unless one alone is longer: under a millisecond of Redis. */
const MAX_EVENTS = 16;
const MAX_CHARS = 65_536;

type Argument = string | number;

/** One call of the script. */
export interface AppendCall {
  /** Number of keys, keys, arguments. */
  readonly args: readonly [number, ...Argument[]];
  /** Which of the appends it has, in order. */
  readonly indexes: readonly number[];
}

/** The arguments of writes, whose keys are told by number. What is the event's `payload` itself is not sent once more. */
export function writeArgs(
  writes: readonly LiveWrite[],
  numberOf: (key: string) => number,
  payload?: string,
): Argument[] {
  return writes.flatMap((w) => {
    const extra = w.kind === 'value' ? w.ttlMs : w.kind === 'list' ? w.cap : w.kind === 'field' ? w.field : '';
    const args = w.value === payload ? [`${w.kind}=`, ''] : [w.kind, w.value];
    return [numberOf(w.key), ...args, extra];
  });
}

/** A function that numbers keys from 1, and the keys that it was asked for, each once. */
export function numberKeys(): { keys: string[]; numberOf(key: string): number } {
  const numbers = new Map<string, number>();
  const keys: string[] = [];
  const numberOf = (key: string): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, keys.push(key));
    return keys.length;
  };
  return { keys, numberOf };
}

/** A call in the making. */
class Call {
  readonly indexes: number[] = [];
  readonly #first: LiveAppend;
  readonly #keep: number;
  readonly #streams = numberKeys();
  readonly #written = numberKeys();
  readonly #before: Argument[] = [];
  readonly #events: Argument[] = [];
  #chars = 0;

  constructor(first: LiveAppend) {
    this.#first = first;
    this.#keep = keepOf(first);
  }

  /** True where the append can be one of its events. */
  takes(append: LiveAppend): boolean {
    const first = this.#first;
    return (
      this.indexes.length < MAX_EVENTS &&
      this.#chars + charsOf(append) <= MAX_CHARS &&
      append.epoch === first.epoch &&
      append.retentionMs === first.retentionMs &&
      append.maxLength === first.maxLength &&
      keepOf(append) === this.#keep
    );
  }

  /** `before` is the append before it to the same stream. */
  add(append: LiveAppend, index: number, before: LiveAppend | undefined): void {
    const { version, writes } = append;
    const known = this.#streams.keys.length;
    const stream = this.#streams.numberOf(append.stream);
    if (stream > known) this.#before.push(before?.epoch ?? '', before ? String(before.offset) : '');
    this.#events.push(
      stream,
      String(append.offset),
      version.kind,
      version.kind === 'recent' ? version.id : version.rank,
      append.payload,
      append.gap ?? '',
      append.time,
      append.logged ?? '',
      writes.length,
      ...writeArgs(writes, this.#written.numberOf, append.payload),
    );
    this.indexes.push(index);
    this.#chars += charsOf(append);
  }

  finish(from: SourceFence | undefined, place: string | null): AppendCall {
    const { epoch, retentionMs, maxLength } = this.#first;
    const streams = this.#streams.keys;
    const keys = streams.flatMap((stream) => [stream, stream + META, stream + IDS]);
    if (place !== null) keys.push(place);
    keys.push(...this.#written.keys);
    const header = [from?.epoch ?? '', epoch, retentionMs, maxLength, this.#keep, TRIM_PER_APPEND];
    const counts = [streams.length, this.indexes.length];
    return {
      args: [keys.length, ...keys, ...header, ...counts, ...this.#before, ...this.#events],
      indexes: this.indexes,
    };
  }
}

/** Ids to remember; 0 where the rule has none. */
function keepOf({ version }: LiveAppend): number {
  return version.kind === 'recent' ? version.keep : 0;
}

function charsOf({ payload, writes }: LiveAppend): number {
  let chars = payload.length;
  for (const { value } of writes) chars += value.length;
  return chars;
}

/** What decides on a key's cluster slot. */
function tagOf(key: string): string {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : key;
}

/**
 * The calls for `appends`, in the order in which they must be made: those of one hash tag keep the order given, and no call
 * has streams of two tags. `place` is the key of the fence `from`.
 */
export function callsOf(
  appends: readonly LiveAppend[],
  from: SourceFence | undefined,
  place: string | null,
): AppendCall[] {
  const calls: Call[] = [];
  const newest = new Map<string, LiveAppend>();
  const open = new Map<string, Call>();
  for (let i = 0; i < appends.length; i++) {
    const append = appends[i] as LiveAppend;
    const tag = tagOf(append.stream);
    let call = open.get(tag);
    if (!call?.takes(append)) {
      call = new Call(append);
      calls.push(call);
      open.set(tag, call);
    }
    call.add(append, i, newest.get(append.stream));
    newest.set(append.stream, append);
  }
  return calls.map((call) => call.finish(from, place));
}
