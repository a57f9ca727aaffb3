/** What every connector must do, on the captured frames and bodies of its exchange. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadFrame, type Connector, type FeedEvent, type FrameContext } from '../../../ingestion/exchanges/connector.ts';
import { isDecimal } from '../../../schema/decimal.ts';
import { FEED_CHANNELS, type MarketInfo, splitSymbol } from '../../../schema/market.ts';
import { SETTINGS } from '../../../src/platform/config.ts';
import { captureNames, readCapture } from '../../support/fixtures.ts';
import { seeded } from '../../support/seeded.ts';
import { topicOf } from '../feed/scripted.ts';
import { mutate } from './mutate.ts';

type Parse = (body: Buffer, market: MarketInfo, receivedAt: number) => unknown;

export interface ContractCase {
  connector: Connector;
  /** Beginning of the names of its captured streams. */
  prefix: string;
  /** The native symbol that a frame names belongs to a market that is followed. */
  follows(native: string): MarketInfo | undefined;
  /** Every captured stream by the rest of its name: why lines of it are refused; null where none may be. */
  streams: Readonly<Record<string, RegExp | null>>;
  /** Captured REST bodies and what reads them. */
  bodies: readonly { capture: string; line: number; parse: Parse; rows: number }[];
  /** Streams worth mutating, and how many lines of each. */
  mutated: Readonly<Record<string, number>>;
}

const RECEIVED = 1_800_000_000_000;
const MUTATIONS = 6_000;

/** Declares the tests of one connector. */
export function connectorContract(given: ContractCase): void {
  const { connector, prefix, streams, bodies, mutated } = given;
  const context: FrameContext = { receivedAt: RECEIVED, market: given.follows };

  function read(frame: Buffer): { events: FeedEvent[]; control: unknown; reason: string } {
    try {
      const { events, control } = connector.normalize(frame, context);
      // what a topic takes, and gives back as it was
      for (const event of events)
        assert.deepEqual(topicOf(event).parse(topicOf(event).encode(event.event)), parsed(event));
      return { events, control, reason: '' };
    } catch (error) {
      assert.ok(
        error instanceof BadFrame && error.message !== '',
        `${frame.toString('latin1').slice(0, 300)}\n${error}`,
      );
      return { events: [], control: null, reason: error.message };
    }
  }

  describe(connector.exchange, () => {
    test('what it declares fits together', () => {
      const { endpoints, settings, channels, limits, knownMarkets, exchange } = connector;
      assert.match(endpoints.ws, /^wss:\/\//);
      assert.match(endpoints.rest, /^https:\/\//);
      assert.ok(settings.ws in SETTINGS && settings.rest in SETTINGS);
      assert.ok(FEED_CHANNELS.some((channel) => channels[channel]?.streamed));
      if (channels.kline && !channels.kline.streamed) assert.ok(channels.trade?.streamed && connector.klineHistory);
      for (const limit of [limits.marketsPerConnection, limits.messagesPerSecond, limits.lifetimeMs])
        assert.ok(limit > 0);
      assert.ok(knownMarkets.length >= 6);
      for (const market of knownMarkets) {
        const { base, quote } = splitSymbol(market.symbol);
        assert.deepEqual(
          [market.exchange, market.base, market.quote, market.status],
          [exchange, base, quote, 'TRADING'],
        );
        assert.deepEqual({ ...connector.assume(market.symbol), status: 'TRADING' }, market);
        assert.ok(isDecimal(market.takerFeePercent) && Number(market.takerFeePercent) <= 1);
      }
      const natives = new Set(knownMarkets.map((market) => market.nativeSymbol));
      assert.equal(natives.size, knownMarkets.length);
    });

    test('no captured stream is forgotten', () => {
      const names = captureNames().filter((name) => name.startsWith(prefix));
      assert.deepEqual(Object.keys(streams).sort(), names.map((name) => name.slice(prefix.length)).sort());
    });

    for (const [name, reasons] of Object.entries(streams)) {
      test(`${name}: every line is read, or refused for ${reasons === null ? 'nothing' : reasons.source.slice(0, 80)}`, () => {
        const refused: string[] = [];
        for (const { line } of readCapture(prefix + name)) {
          const { events, control, reason } = read(Buffer.from(line));
          if (reason !== '') refused.push(reason);
          else assert.ok(events.length > 0 || control !== null, line.slice(0, 200));
        }
        if (reasons === null) assert.deepEqual(refused.slice(0, 3), []);
        else assert.ok(refused.length > 0);
        for (const reason of refused) assert.match(reason, reasons as RegExp);
      });
    }

    test('a frame that is none is refused with what is wrong', () => {
      const reason = (text: string): string => read(Buffer.from(text)).reason;
      assert.equal(reason('{"type":"trade"'), 'not JSON');
      assert.equal(reason(''), 'not JSON');
      assert.equal(reason('['.repeat(50_000)), 'not JSON');
      for (const other of ['[]', 'null', '7', '"x"']) assert.match(reason(other), /not an object/);
      assert.equal(read(Buffer.from([0x7b, 0xff, 0x7d])).reason, 'not UTF-8');
    });

    const lines = Object.entries(mutated).flatMap(([name, count]) =>
      readCapture(prefix + name)
        .slice(0, count)
        .map(({ line }) => line),
    );
    test(`${MUTATIONS} mutated frames: each is read into what its topic takes, or refused with a reason`, () => {
      const random = seeded(20_260_404);
      let refused = 0;
      for (let i = 0; i < MUTATIONS; i++) {
        const { events, control, reason } = read(mutate(lines[i % lines.length] as string, random));
        if (reason !== '') refused++;
        else assert.ok(events.length > 0 || control !== null);
      }
      assert.ok(refused > MUTATIONS * 0.4 && refused < MUTATIONS * 0.95, `${refused} refused`);
    });

    for (const { capture, line, parse, rows } of bodies) {
      test(`${capture} line ${line}: a REST body gives rows, a mutated one rows or BadFrame`, () => {
        const text = readCapture(capture)[line]?.line ?? '';
        const [market] = connector.knownMarkets as readonly [MarketInfo];
        const found = parse(Buffer.from(text), market, RECEIVED);
        assert.equal(Array.isArray(found) ? found.length : 1, rows);
        const random = seeded(7);
        for (let i = 0; i < 300; i++) {
          try {
            parse(mutate(text, random), market, RECEIVED);
          } catch (error) {
            assert.ok(error instanceof BadFrame, String(error));
          }
        }
      });
    }

    test('a connection is planned for as many markets as are allowed, within the size of a message', () => {
      const markets = Array.from({ length: connector.limits.marketsPerConnection }, (_, i) =>
        connector.assume(`C${i}-USDT`),
      );
      const plan = connector.connect({ url: 'wss://x.invalid' }, markets);
      assert.ok(plan.url.startsWith('wss://x.invalid'));
      const said = plan.url + plan.messages.join('\n');
      for (const market of markets) assert.ok(said.toLowerCase().includes(market.nativeSymbol.toLowerCase()));
      for (const message of plan.messages) assert.ok(message.length < 32_768);
      assert.ok(plan.acks <= plan.messages.length);
    });
  });
}

/** What JSON makes of an event: no undefined. And only what its topic declares. */
function parsed(event: FeedEvent): unknown {
  const {
    bidSequences: _bids,
    askSequences: _asks,
    ...rest
  } = event.event as FeedEvent['event'] & {
    bidSequences?: unknown;
    askSequences?: unknown;
  };
  return rest;
}
