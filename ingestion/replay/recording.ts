/** The recording: what `raw_frames` holds of a span, in the order of receipt. */
import { RAW_FRAMES, type RawFrame } from '../../schema/topics.ts';
import type { Broker } from '../../src/platform/broker/broker.ts';

/** Frames of a partition that are read ahead. */
const AHEAD = 2_000;
/** A partition's frames are in order of receipt but for so much, ms. */
const DISORDER_MS = 60_000;

interface Lane {
  frames: RawFrame[];
  /** First offset that was not there when reading began. */
  end: bigint;
  ended: boolean;
}

/**
 * Frames up to `to` (epoch ms), from the log's start on, in chunks: frames from before the span bring the books up to it.
 * The order is that of the partitions merged by time of receipt: the same with every reading. `onFatal` as of a consumer.
 */
export async function* readRecording(
  broker: Broker,
  to: number,
  group: string,
  onFatal: (error: Error) => void,
): AsyncGenerator<RawFrame[]> {
  const lanes = (await broker.watermarks(RAW_FRAMES.name)).map(({ low, high }): Lane => {
    return { frames: [], end: high, ended: high <= low };
  });
  let news = Promise.withResolvers<void>();
  let room = Promise.withResolvers<void>();
  let stopped = false;
  const lows = await broker.watermarks(RAW_FRAMES.name);
  const consumer = await broker.consume({
    group,
    topics: [RAW_FRAMES.name],
    onAssigned: async ({ partition }) => lows[partition]?.low ?? 0n,
    async onBatch({ partition, messages }) {
      const lane = lanes[partition];
      if (!lane || lane.ended) return;
      for (const message of messages) {
        if (message.offset < lane.end) {
          const frame = RAW_FRAMES.parse(message);
          if (frame.receivedAt <= to) lane.frames.push(frame);
          if (frame.receivedAt > to + DISORDER_MS) lane.ended = true;
        }
        if (message.offset + 1n >= lane.end) lane.ended = true;
      }
      news.resolve();
      while (lane.frames.length > AHEAD && !stopped) await room.promise;
    },
    onFatal,
  });
  try {
    for (;;) {
      const chunk: RawFrame[] = [];
      while (lanes.every(({ frames, ended }) => ended || frames.length > 0)) {
        let first: Lane | null = null;
        for (const lane of lanes) {
          const [frame] = lane.frames;
          if (frame && (!first?.frames[0] || frame.receivedAt < first.frames[0].receivedAt)) first = lane;
        }
        const frame = first?.frames.shift();
        if (frame) chunk.push(frame);
        if (!frame || chunk.length >= AHEAD / 4) break;
      }
      if (chunk.length > 0) {
        yield chunk;
        room.resolve();
        room = Promise.withResolvers();
      } else if (lanes.every(({ frames, ended }) => ended && frames.length === 0)) return;
      else {
        await news.promise;
        news = Promise.withResolvers();
      }
    }
  } finally {
    stopped = true;
    room.resolve();
    await consumer.stop();
  }
}
