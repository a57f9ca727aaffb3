import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import { BadFrame, type FrameContext } from '../../../ingestion/exchanges/connector.ts';
import { readCapture } from '../../support/fixtures.ts';
import { marketsOf, seeded, topicOf } from './scripted.ts';

const FRAMES = 12_000;

const VALUES = [
  'null',
  '-1',
  '0',
  '1e9999',
  'NaN',
  '""',
  '"-0"',
  '[]',
  '{}',
  'true',
  '99999999999999999999',
  '"1e400"',
  '"é"',
];
const KEYS = ['__proto__', 'constructor', 'e', 'E', 's', 'data', 'stream', 'k', 'b', 'toString'];

function mutate(line: string, random: () => number): Buffer {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const at = Math.floor(random() * line.length);
  const bytes = Buffer.from(line);
  switch (Math.floor(random() * 9)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      bytes[at] = Math.floor(random() * 256);
      return bytes;
    case 2:
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(Math.min(bytes.length, at + Math.ceil(random() * 8))),
      ]);
    case 3:
      return Buffer.from(
        line.replace(/:("[^"]*"|[0-9]+|true|false|\[\])/g, (all) => (random() < 0.15 ? `:${pick(VALUES)}` : all)),
      );
    case 4:
      return Buffer.from(line.replace(/"([a-zA-Z]+)":/g, (all) => (random() < 0.1 ? `"${pick(KEYS)}":` : all)));
    case 5:
      return Buffer.from(
        line.replace(/[0-9]/g, (digit) => (random() < 0.05 ? String(Math.floor(random() * 10)) : digit)),
      );
    case 6:
      return Buffer.from(line.slice(0, at) + '['.repeat(Math.floor(random() * 5_000)) + line.slice(at));
    case 7:
      return Buffer.from(line.replace(/\{/, `{"${pick(KEYS)}":${pick(VALUES)},`));
    default:
      return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
  }
}

test(`${FRAMES} mutated frames: each is parsed into what its topic takes, or refused with a reason`, () => {
  const markets = marketsOf('BTC-USDT', 'ETH-USDT', 'DOT-USDT', 'DOGE-BNB');
  const context: FrameContext = {
    receivedAt: 1_700_000_000_000,
    market: (native) => markets.find((market) => market.nativeSymbol === native),
  };
  const lines = ['aggTrade.20210404', 'depth_100ms.20210404', 'kline_1m.20210404', 'mixed_fixture.tardis'].flatMap(
    (name) =>
      readCapture(`binance.ws.${name}`)
        .slice(0, 300)
        .map(({ line }) => line),
  );
  const random = seeded(20_260_404);
  let parsed = 0;
  let refused = 0;
  for (let i = 0; i < FRAMES; i++) {
    const frame = mutate(lines[i % lines.length] as string, random);
    try {
      const { events, control } = binance.normalize(frame, context);
      for (const event of events) topicOf(event).parse(topicOf(event).encode(event.event));
      assert.ok(events.length > 0 || control !== null);
      parsed++;
    } catch (error) {
      assert.ok(
        error instanceof BadFrame && error.message !== '',
        `${frame.toString('latin1').slice(0, 300)}\n${error}`,
      );
      refused++;
    }
  }
  assert.equal(parsed + refused, FRAMES);
  assert.ok(parsed > 500 && refused > 5_000, `${parsed} parsed, ${refused} refused`);
});

test('mutated REST bodies give rows or BadFrame', () => {
  const [market] = marketsOf('BTC-USDT');
  if (!market || binance.book.kind !== 'sequenced') return assert.fail();
  const readers = [
    { name: 'depth.gct', parse: binance.book.parse },
    { name: 'aggTrades.gct', parse: binance.tradeHistory?.parse },
    { name: 'klines.gct', parse: binance.klineHistory?.parse },
    { name: 'exchangeInfo_trimmed.20211011', parse: binance.markets.parse },
  ];
  const random = seeded(7);
  for (const { name, parse } of readers) {
    const line = readCapture(`binance.rest.${name}`)[0]?.line ?? '';
    for (let i = 0; i < 300; i++) {
      try {
        parse?.(mutate(line, random), market, 1_700_000_000_000);
      } catch (error) {
        assert.ok(error instanceof BadFrame, `${name}: ${error}`);
      }
    }
  }
});
