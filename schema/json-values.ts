/** How the payloads of a topic become the JSON of its values, and back. */
import type { z } from 'zod';
import { RecentValues } from './recent-values.ts';

/** A message's value cannot be used: the reason goes with its bytes to the dead-letter topic. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage';
}

/** The values that are remembered, of all topics. */
const remembered: RecentValues<unknown>[] = [];

/** Characters of the texts that are remembered, so that none is read twice. */
export function rememberedCharacters(): number {
  return remembered.reduce((sum, { length }) => sum + length, 0);
}

export interface Values<Payload> {
  /** Value bytes of a payload, which must not be changed any more. */
  encode(payload: Payload): Buffer;
  /** The payload of a message's value, shared by its readers. Throws BadMessage with a reason that names the field. */
  parse(value: Buffer | null): Payload;
  /** JSON of a payload that `parse` made of this value. */
  json(payload: Payload, value: Buffer | null): string;
}

/** Values checked by `shape`. `isPlain`: true for what `shape` would take as it is; such values are read once a process. */
export function jsonValues<P>(shape: z.ZodType<P>, isPlain?: (value: unknown) => boolean): Values<P> {
  return isPlain ? recentValues(shape, isPlain) : checkedValues(shape);
}

function checkedValues<P>(shape: z.ZodType<P>): Values<P> {
  return {
    encode: (payload) => Buffer.from(JSON.stringify(payload)),
    json: (payload) => JSON.stringify(payload),
    parse: (value) => checked(shape, read(textOf(value))),
  };
}

function recentValues<P>(shape: z.ZodType<P>, isPlain: (value: unknown) => boolean): Values<P> {
  const recent = new RecentValues<P>();
  remembered.push(recent as RecentValues<unknown>);
  return {
    encode(payload) {
      const text = JSON.stringify(payload);
      recent.keep({ text, payload, isOurs: true, isPlain: false });
      return Buffer.from(text);
    },
    json(payload, value) {
      const known = value && recent.find(textOf(value));
      return known?.isOurs && known.payload === payload ? known.text : JSON.stringify(payload);
    },
    parse(value) {
      const text = textOf(value);
      const known = recent.find(text);
      if (known) {
        // of what is plain, JSON says all: reading the text would give the same again
        known.isPlain ||= isPlain(known.payload);
        if (known.isPlain) return known.payload;
      }
      const json = read(text);
      if (!isPlain(json)) return checked(shape, json);
      recent.keep({ text, payload: json as P, isOurs: false, isPlain: true });
      return json as P;
    },
  };
}

function textOf(value: Buffer | null): string {
  if (value === null) throw new BadMessage('value: null');
  return value.toString('utf8');
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadMessage('value: not JSON');
  }
}

function checked<P>(shape: z.ZodType<P>, json: unknown): P {
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new BadMessage(`${issue?.path.join('.') || 'value'}: ${issue?.message ?? 'invalid'}`);
}
