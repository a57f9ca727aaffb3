/** The thread in which a recording's time passes: frames in, events out. */
import { parentPort, workerData } from 'node:worker_threads';
import type { MarketInfo } from '../../schema/market.ts';
import type { RawFrame } from '../../schema/topics.ts';
import type { PublishedEvent } from '../exchanges/connector.ts';
import { createReplayFeeds } from './feeds.ts';
import { installVirtualTime } from './virtual-time.ts';

export interface ThreadData {
  markets: readonly MarketInfo[];
  staleMs: number;
  /** Receipt of the first frame, epoch ms. */
  startAt: number;
}

/** Frames in the order of their receipt; answered with the events that they bring. */
export type ThreadRequest = readonly RawFrame[];
export type ThreadReply = readonly PublishedEvent[];

const port = parentPort;
if (!port) throw new Error('not a thread');
const { markets, staleMs, startAt } = workerData as ThreadData;
const time = installVirtualTime(startAt);
const feeds = createReplayFeeds(markets, staleMs);

async function work(frames: ThreadRequest): Promise<ThreadReply> {
  for (const frame of frames) {
    await time.advance(frame.receivedAt);
    // bytes lose their class on the way between threads
    feeds.take({ ...frame, bytes: Buffer.from(frame.bytes) });
  }
  await time.advance(time.now());
  return feeds.drain();
}

port.on('message', (frames: ThreadRequest) => {
  void work(frames).then((events) => port.postMessage(events));
});
