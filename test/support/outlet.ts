/** The way out of a connection that is not there: what was sent is kept, and the peer reads when it is told to. */
import type { ExecutionResult } from 'graphql';
import type { Outlet } from '../../src/platform/graphql/outlet.ts';
import type { SubscribeArgs } from '../../src/platform/graphql/subscribe.ts';
import type { LiveCore } from '../../src/stream/core.ts';

/** The text in a frame; throws where its length is not what its header says. */
export function textOf(frame: string): string {
  const bytes = Buffer.from(frame, 'latin1');
  const code = bytes[1] as number;
  const header = code < 126 ? 2 : code === 126 ? 4 : 10;
  const length = code < 126 ? code : code === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes[0] !== 0x81 || bytes.length !== header + length) throw new Error(`no text frame: ${frame}`);
  return bytes.toString('latin1', header);
}

export class TestOutlet implements Outlet {
  readonly frames: string[] = [];
  /** Frames that are taken before the peer stops reading. */
  room = Number.POSITIVE_INFINITY;
  private waiting: (() => void)[] = [];
  private readonly listeners = new Set<() => void>();

  get ready(): boolean {
    return this.room > 0;
  }

  send(frame: string): void {
    this.frames.push(frame);
    this.room -= 1;
    for (const listener of this.listeners) listener();
  }

  whenReady(call: () => void): void {
    this.waiting.push(call);
  }

  /** The peer takes so many frames more. */
  read(frames: number): void {
    this.room = Math.max(0, this.room) + frames;
    if (this.ready) for (const call of this.waiting.splice(0)) call();
  }

  /** Resolves with the next frame. */
  sent(): Promise<void> {
    return new Promise((done) => {
      const listener = (): void => {
        this.listeners.delete(listener);
        done();
      };
      this.listeners.add(listener);
    });
  }
}

export interface Followed {
  outlet: TestOutlet;
  /** The next result, or the end. Rejects with the error that the subscription ends in. */
  raw(): Promise<IteratorResult<ExecutionResult, undefined>>;
  stop(): Promise<unknown>;
}

/** Subscribes as the protocol does. Throws the error that a refused subscription is answered with. */
export async function follow(
  core: LiveCore,
  args: Omit<SubscribeArgs, 'operationId' | 'outlet'> & { operationId?: string; outlet?: TestOutlet },
): Promise<Followed> {
  const { operationId = '1', outlet = new TestOutlet() } = args;
  const source = await core.subscribe({ ...args, operationId, outlet });
  if (!(Symbol.asyncIterator in source)) throw source.errors?.[0] ?? new Error('not subscribed');
  const iterator = source[Symbol.asyncIterator]();
  const end = iterator.next() as Promise<IteratorResult<ExecutionResult, undefined>>;
  const ended = end.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  let over = false;
  void ended.then(() => {
    over = true;
  });
  let told = false;
  let read = 0;
  return {
    outlet,
    async raw() {
      while (read >= outlet.frames.length) {
        if (over) {
          const failed = await ended;
          if (!failed || told) return { value: undefined, done: true };
          told = true;
          throw failed.error;
        }
        await Promise.race([outlet.sent(), ended]);
      }
      const frame = outlet.frames[read++] as string;
      return { value: (JSON.parse(textOf(frame)) as { payload: ExecutionResult }).payload, done: false };
    },
    stop: async () => iterator.return?.(),
  };
}
