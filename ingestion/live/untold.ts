/**
 * Messages of one source partition that no stream could take or that came too late for it: the next event of the stream
 * that they were for says FEED_GAP, once, however often they are delivered. Where a message does not say which stream that
 * is, all streams that its key may stand for say it; where nobody knows what was lost, all streams of the partition do. Kept
 * in the live store beside what it is about, so that a restart forgets nothing.
 */
import type { Message, TopicPartition } from '../../src/platform/broker/broker.ts';
import type { LiveStore, LiveWrite } from '../../src/platform/live/store.ts';

/** Streams that share a loss tell it each with its next event; after this long those that come later need not. */
const KEPT_MS = 24 * 3_600_000;
/** Streams and groups of one partition that are remembered at once; the oldest go first. */
const MAX_KEPT = 10_000;
/** The group of all streams of the partition. */
const ALL = '{*}';
const TOLD = 'told';
const OWES = 'owes';

const keyOf = ({ topic, partition }: TopicPartition): string => `live:owed:{${topic}:${partition}}`;
/** The part of a stream's name that its events' messages have for a key. */
const tagOf = (stream: string): string => /\{[^}]*\}/.exec(stream)?.[0] ?? '';

/** A message of the partition; offsets of two epochs can't be compared. */
interface Place {
  epoch: string;
  offset: bigint;
}

/** What a group of streams owes, or a stream by itself. */
interface Account {
  /** Of a group: when (epoch ms) its newest debt was noted. Of a stream: up to when noted it has told what its groups owe. */
  since: number;
  /** False for a group, and for a stream that owes nothing by itself. */
  owes: boolean;
  /** Messages up to this one are accounted for. */
  upTo: Place;
}

const NOTHING: Account = { since: 0, owes: false, upTo: { epoch: '', offset: -1n } };

function textOf(name: string, { since, owes, upTo }: Account): string {
  const place = `${since} ${upTo.epoch} ${upTo.offset}`;
  return name.startsWith('{') ? place : `${owes ? OWES : TOLD} ${place}`;
}

function accountOf(name: string, text: string): Account | null {
  const [state, ...rest] = name.startsWith('{') ? ['', ...text.split(' ')] : text.split(' ');
  const [since, epoch = '', offset = '-1'] = rest;
  if (!since) return null;
  return { since: Number(since), owes: state === OWES, upTo: { epoch, offset: BigInt(offset) } };
}

export class Untold {
  private readonly accounts = new Map<string, Account>();
  /** Groups among them. */
  private groups = 0;
  /** Streams among them that owe something by themselves. */
  private owing = 0;
  private readonly key: string;

  /** `epoch`: that of the messages. */
  constructor(
    private readonly live: LiveStore,
    at: TopicPartition,
    private readonly epoch: string,
  ) {
    this.key = keyOf(at);
  }

  /** What was owed when the partition was last worked on. Throws LiveStoreUnavailable. */
  async load(): Promise<this> {
    const fields = Object.entries(await this.live.fields(this.key));
    const oldest = Date.now() - KEPT_MS;
    for (const name of [...this.accounts.keys()]) this.forget(name);
    for (const [name, text] of fields) {
      const account = accountOf(name, text);
      if (account && !(name.startsWith('{') && account.since <= oldest)) this.keep(name, account);
    }
    return this;
  }

  /** A message was given up: `stream` is where it belonged, null where it does not say. Throws LiveStoreUnavailable. */
  async owe(stream: string | null, { key, offset }: Pick<Message, 'key' | 'offset'>): Promise<void> {
    const name = stream ?? (key === null ? null : `{${key}}`);
    // whoever tells it for a stream tells all that came before
    if (name === null || this.isKnown(name, offset) || this.accounts.get(name)?.owes) return;
    await this.note(name, { epoch: this.epoch, offset });
  }

  /** What was lost is not known: every stream of the partition may lack something. Throws LiveStoreUnavailable. */
  async oweAll(): Promise<void> {
    await this.note(ALL, { epoch: this.epoch, offset: -1n });
  }

  /** True where a message is accounted for already: it is delivered again. */
  isKnown(name: string, offset: bigint): boolean {
    const { epoch, offset: upTo } = (this.accounts.get(name) ?? NOTHING).upTo;
    return epoch === this.epoch && offset <= upTo;
  }

  /** True where the next event of the stream has to tell. */
  has(stream: string): boolean {
    if (this.owing === 0 && this.groups === 0) return false;
    const { owes, since } = this.accounts.get(stream) ?? NOTHING;
    return owes || since < this.owedSince(stream);
  }

  /** What the event at `offset` writes, in its own atomic step, where it tells what its stream owes. */
  telling(stream: string, offset: bigint): LiveWrite {
    return { kind: 'field', key: this.key, field: stream, value: textOf(stream, this.settled(stream, offset)) };
  }

  /** It has been written. */
  told(stream: string, offset: bigint): void {
    this.keep(stream, this.settled(stream, offset));
  }

  private settled(stream: string, offset: bigint): Account {
    const { since } = this.accounts.get(stream) ?? NOTHING;
    return { since: Math.max(since, this.owedSince(stream)), owes: false, upTo: { epoch: this.epoch, offset } };
  }

  /** When the newest debt of the stream's groups was noted. */
  private owedSince(stream: string): number {
    if (this.groups === 0) return 0;
    return Math.max(...[tagOf(stream), ALL].map((name) => this.accounts.get(name)?.since ?? 0));
  }

  private async note(name: string, upTo: Place): Promise<void> {
    const isGroup = name.startsWith('{');
    let { since } = this.accounts.get(name) ?? NOTHING;
    if (isGroup) {
      // later than all that was told, whatever the clock says
      const newest = [...this.accounts.values()].reduce((max, one) => Math.max(max, one.since), 0);
      since = Math.max(Date.now(), newest + 1);
    }
    const account = { since, owes: !isGroup, upTo };
    const value = textOf(name, account);
    await this.live.put(this.key, [{ kind: 'field', key: this.key, field: name, value }]);
    this.keep(name, account);
  }

  private keep(name: string, account: Account): void {
    this.forget(name);
    this.accounts.set(name, account);
    if (name.startsWith('{')) this.groups += 1;
    else if (account.owes) this.owing += 1;
    for (const oldest of this.accounts.keys()) {
      if (this.accounts.size <= MAX_KEPT) break;
      this.forget(oldest);
    }
  }

  private forget(name: string): void {
    const known = this.accounts.get(name);
    if (!known) return;
    this.accounts.delete(name);
    if (name.startsWith('{')) this.groups -= 1;
    else if (known.owes) this.owing -= 1;
  }
}
