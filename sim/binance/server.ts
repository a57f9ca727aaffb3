/** The stand-in itself: streams and REST as Binance serves them, over simulated markets or a recording. */
import { FrameFaults } from '../market/frame-faults.ts';
import { clockOptions, type StandIn, type StandInOptions, type StandInStats, startStandIn } from '../stand-in.ts';
import type { Faults, OwnFaults } from './faults.ts';
import { BINANCE_CADENCE, type Cadence } from './feed.ts';
import { Recording, type RecordingOptions } from './recording.ts';
import { answerRest } from './rest.ts';
import type { Sent } from './sent.ts';
import { BINANCE_LIMITS, type SessionLimits } from './session.ts';
import { SimulatedMarkets } from './simulated.ts';
import type { MarketSource } from './source.ts';
import { StreamServer } from './stream-server.ts';
import { RequestWeights, refusalOf } from './weights.ts';

/** `symbols` defaults to 12. */
export interface BinanceSimOptions extends StandInOptions {
  cadence?: Partial<Cadence>;
  limits?: Partial<SessionLimits>;
  /** Connection attempts in 5 minutes; default 300. */
  connectionAttempts?: number;
  /** Request weight a minute; default 6,000. */
  weightLimit?: number;
  /** Replays captured frames instead of simulating. */
  recording?: RecordingOptions;
}

/** `sent` throws RangeError for a recording too. */
export interface BinanceSim extends StandIn<Faults, Sent, StandInStats & { usedWeight: number }> {
  /** The replay, when it is one. */
  recording: Recording | null;
}

/** Starts it on loopback. Throws when the port is taken, a symbol can't be, or a recording is none. */
export async function startBinanceSim(options: BinanceSimOptions = {}): Promise<BinanceSim> {
  const frameFaults = new FrameFaults((stream, cut) => `{"stream":"${stream}","data":${cut}`);
  const limits = { ...BINANCE_LIMITS, ...options.limits };
  const streams = new StreamServer(limits, options.connectionAttempts ?? 300, frameFaults);
  const publish = (stream: string, payload: () => string) => streams.publish(stream, payload);
  const weightLimit = options.weightLimit ?? 6_000;
  const recording = options.recording ? new Recording(options.recording, publish, (s) => streams.hasListener(s)) : null;
  const markets = recording
    ? null
    : new SimulatedMarkets(
        {
          ...clockOptions(options),
          seed: options.seed ?? 1,
          symbols: options.symbols ?? 12,
          rate: options.rate ?? 1,
          cadence: { ...BINANCE_CADENCE, ...options.cadence },
          recordLimit: options.recordLimit ?? 20_000,
          recordFrom: options.recordFrom,
          weightLimit,
        },
        publish,
      );
  const source = (recording ?? markets) as MarketSource;
  if (recording) streams.onSubscribe = () => recording.subscribed();
  const weights = new RequestWeights(weightLimit, options.clock ?? Date.now);

  const own: OwnFaults = {
    refuseRest: (refusal) => weights.force(refusal),
    plannedDisconnect: (noticeMs = 1_000) => streams.shutDown(noticeMs, source.now()),
  };
  const sim = await startStandIn(
    {
      ...{ options, frameFaults, streams, path: '', goodbye: { code: 1001, reason: '' } },
      symbols: source.symbols,
      now: () => source.now(),
      advance: (ms) => markets?.clock.advance(ms),
      setSkew(ms) {
        if (markets) markets.clock.skew = ms;
      },
      answer: (request, response) => answerRest(request, response, source, weights),
      banAnswer(status, leftMs) {
        const { retryAfter, body } = refusalOf(status === 418 ? 418 : 429, Math.ceil(leftMs / 1_000), weights);
        return { body, headers: { 'retry-after': String(retryAfter) } };
      },
      stop: () => source.close(),
    },
    {
      faults: own,
      sent(symbol) {
        if (!markets) throw new RangeError('a recording has no record but itself');
        return markets.sent(symbol);
      },
      stats: () => ({ usedWeight: weights.used() }),
    },
  );
  return Object.assign(sim, { recording });
}
