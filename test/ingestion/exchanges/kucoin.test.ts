import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadFrame, type FeedEvent, type FrameContext } from '../../../ingestion/exchanges/connector.ts';
import { kucoin } from '../../../ingestion/exchanges/kucoin.ts';
import { readCapture } from '../../support/fixtures.ts';

const RECEIVED = 1_800_000_000_000;
const context: FrameContext = { receivedAt: RECEIVED, market: (native) => kucoin.assume(native) };
const btc = kucoin.assume('BTC-USDT');
const lines = (capture: string): string[] => readCapture(capture).map(({ line }) => line);
const examples = lines('kucoin.ws.docs_examples.sdk');
const { tradeHistory } = kucoin;
assert.ok(tradeHistory);

function normalize(line: string): FeedEvent {
  const { events, known } = kucoin.normalize(Buffer.from(line), context);
  const [event] = events;
  assert.ok(event && events.length === 1, line.slice(0, 200));
  assert.deepEqual(known, { channel: event.channel, symbol: event.event.symbol, eventTime: event.event.eventTime });
  return event;
}

function reasonOf(read: () => unknown): string {
  try {
    read();
    return '';
  } catch (error) {
    assert.ok(error instanceof BadFrame, String(error));
    return error.message;
  }
}

const message = (topic: string, subject: string, data: string): string =>
  `{"type":"message","topic":"${topic}","subject":"${subject}","data":${data}}`;

describe('traps', () => {
  test('candle columns are open, close, high, low; the start is in s, the time in ns', () => {
    const line = message(
      '/market/candles:BTC-USDT_1min',
      'trade.candles.update',
      '{"symbol":"BTC-USDT","candles":["1729839600","67644.9","67437.6","67724.8","67243.8","44.88321441","3027558.991928447"],"time":1729839622785164840}',
    );
    assert.deepEqual(normalize(line), {
      channel: 'kline',
      event: {
        ...{ exchange: 'KUCOIN', symbol: 'BTC-USDT', eventTime: 1_729_839_622_785, receivedAt: RECEIVED },
        ...{ interval: 'M1', openTime: 1_729_839_600_000 },
        ...{ open: '67644.9', close: '67437.6', high: '67724.8', low: '67243.8' },
        ...{ volume: '44.88321441', quoteVolume: '3027558.991928447' },
        ...{ tradeCount: null, isClosed: false, coverage: 1 },
      },
    });
    for (const captured of lines('kucoin.ws.market_candles.20210425')) {
      const { event } = normalize(captured);
      assert.ok('high' in event && 'close' in event);
      for (const price of [event.open, event.close]) {
        assert.ok(Number(event.low) <= Number(price) && Number(price) <= Number(event.high));
      }
    }
  });

  test('stamps in ns beyond 2^53 are not rounded on their way to ms', () => {
    // as a double it is …000000000: the second after
    const time = '1619378399999999999';
    assert.equal(Number(time), 1_619_378_400_000_000_000);
    const candle = `{"symbol":"A-B","candles":["1619378340","2","2","2","2","1","2"],"time":${time}}`;
    const kline = normalize(message('/market/candles:A-B_1min', 'trade.candles.add', candle));
    assert.equal(kline.event.eventTime, 1_619_378_399_999);
    const body = Buffer.from(
      `{"code":"200000","data":[{"sequence":"10976028003549185","price":"2","size":"1","side":"buy","time":${time}}]}`,
    );
    assert.equal(tradeHistory.parse(body, btc, RECEIVED)[0]?.eventTime, 1_619_378_399_999);
    const match = `{"symbol":"A-B","sequence":"1","price":"2","size":"1","side":"buy","time":"${time}"}`;
    assert.equal(normalize(message('/market/match:A-B', 'trade.l3match', match)).event.eventTime, 1_619_378_399_999);
  });

  test('a stamp in another unit is refused, not guessed', () => {
    const match = (time: string) =>
      message(
        '/market/match:A-B',
        'trade.l3match',
        `{"symbol":"A-B","sequence":"1","price":"2","size":"1","side":"buy","time":${time}}`,
      );
    for (const time of ['"1619378336197"', '"1619378336197407"', '"1619378336"', 'null', '"16193783361974073200"']) {
      assert.match(
        reasonOf(() => normalize(match(time))),
        /^time: not a/,
        time,
      );
    }
    const l2 = (time: number) =>
      message(
        '/market/level2:A-B',
        'trade.l2update',
        `{"changes":{"asks":[],"bids":[["1","1","5"]]},"sequenceEnd":5,"sequenceStart":5,"symbol":"A-B","time":${time}}`,
      );
    assert.equal(normalize(l2(1_663_747_970_273)).event.eventTime, 1_663_747_970_273);
    assert.match(
      reasonOf(() => normalize(l2(1_663_747_970_273_000))),
      /^time: not a time in ms/,
    );
  });

  test('a trade has one id in the stream and over REST: the sequence, beyond 2^53 and kept to the digit', () => {
    const trade = examples.find((line) => line.includes('/market/match:'));
    assert.deepEqual(normalize(trade ?? ''), {
      channel: 'trade',
      event: {
        ...{ exchange: 'KUCOIN', symbol: 'BTC-USDT', eventTime: 1_729_843_222_921, receivedAt: RECEIVED },
        ...{ tradeId: '11067996711960577', price: '67523', quantity: '0.003', side: 'BUY' },
      },
    });
    assert.notEqual(String(Number('11067996711960577')), '11067996711960577');
    // before 2022 tradeId was another one, which REST does not have
    const [old] = lines('kucoin.ws.market_match.20210425');
    assert.ok(old?.includes('"tradeId":"6085c0a069bc50686d66da3c"'));
    const { event } = normalize(old ?? '');
    assert.equal('tradeId' in event && event.tradeId, '1613277184661');
    assert.equal(kucoin.tradeIds, 'unordered');
  });

  test('no frame says that a candle is closed; add and update mean the same', () => {
    assert.equal(kucoin.klineCloses, 'next');
    const [line = ''] = lines('kucoin.ws.market_candles.20210425');
    assert.ok(line.includes('trade.candles.add'));
    assert.deepEqual(normalize(line.replace('candles.add', 'candles.update')), normalize(line));
  });

  test('a change of price "0" only takes a number, a size of "0" removes', () => {
    const [passed = ''] = lines('kucoin.ws.market_level2.20210425');
    assert.deepEqual(normalize(passed), {
      channel: 'orderbook',
      event: {
        ...{ exchange: 'KUCOIN', symbol: 'BCHSV-USDT', eventTime: RECEIVED, receivedAt: RECEIVED, type: 'delta' },
        ...{ bids: [], asks: [], bidSequences: [], askSequences: [] },
        ...{ sequence: '1613277183874', previousSequence: '1613277183873', integrity: 'SEQUENCED' },
      },
    });
    const several = lines('kucoin.ws.mixed_fixture.gct').at(-1) ?? '';
    const { event } = normalize(several.replace('"0.00331"', '"0"'));
    assert.ok('asks' in event);
    // by their sequences: 14103844 comes before 14103845
    assert.deepEqual(event.asks, [
      ['18907.3', '0.58751503'],
      ['18906', '0'],
    ]);
    assert.deepEqual([event.previousSequence, event.sequence], ['14103843', '14103847']);
  });

  test('numbers with exponents and superfluous zeros become plain decimals', () => {
    const snapshot = examples.find((line) => line.includes('/market/snapshot:BTC-USDT')) ?? '';
    const event = {
      ...{ exchange: 'KUCOIN', symbol: 'BTC-USDT', eventTime: 1_729_758_286_011, receivedAt: RECEIVED },
      ...{ last: '67158.1', open: '66842.9', high: '67611.8', low: '65257.1' },
      ...{ volume24h: '2227.69895852', quoteVolume24h: '147972941.078575073', changePercent24h: 0.47 },
    };
    assert.deepEqual(normalize(snapshot), { channel: 'ticker', event });
    const tiny = snapshot
      .replace(/"low":[0-9.]+/g, '"low":2.2E-7')
      .replace(/"changeRate":0.0047/, '"changeRate":-1e-05');
    assert.deepEqual(normalize(tiny), {
      channel: 'ticker',
      event: { ...event, low: '0.00000022', changePercent24h: -0.001 },
    });
  });
});

test('values that are objects with methods of their own break nothing', () => {
  const hostile = '{"toString":1,"valueOf":null}';
  for (const text of [
    `{"type":${hostile}}`,
    `{"type":"error","code":${hostile},"data":[${hostile}]}`,
    message('/market/match:A-B', 'trade.l3match', `{"symbol":"A-B","side":${hostile}}`),
    message('/market/match:A-B', 'trade.l3match', `{"symbol":"A-B","side":"buy","time":${hostile}}`),
    message('/market/snapshot:A-B', 'trade.snapshot', hostile),
  ]) {
    reasonOf(() => kucoin.normalize(Buffer.from(text), context));
  }
  assert.deepEqual(kucoin.normalize(Buffer.from(`{"type":"error","code":${hostile}}`), context).control, {
    kind: 'refused',
    reason: 'a structure undefined',
  });
});

test('what is wrong with a frame is named', () => {
  const l2 = (data: object): string => {
    const usual = { symbol: 'A-B', sequenceStart: 5, sequenceEnd: 5, changes: { asks: [['1', '1', '5']], bids: [] } };
    return message('/market/level2:A-B', 'trade.l2update', JSON.stringify({ ...usual, ...data }));
  };
  const reason = (line: string): string => reasonOf(() => normalize(line));
  assert.equal(reason(l2({})), '');
  // the documentation's worked example has them the wrong way round
  assert.equal(reason(l2({ sequenceStart: 6 })), 'sequenceStart: no range of changes');
  assert.equal(reason(l2({ sequenceEnd: 10 ** 9 })), 'sequenceStart: no range of changes');
  assert.match(reason(l2({ sequenceEnd: 2 ** 53 })), /^sequenceEnd: not a count/);
  assert.equal(reason(l2({ changes: { asks: [['1', '1', '7']], bids: [] } })), 'asks sequence: not of this frame');
  assert.match(reason(l2({ changes: { asks: [[1, '1', '5']], bids: [] } })), /^asks price: not a decimal as text/);
  assert.match(reason(l2({ changes: { asks: [['-1', '1', '5']], bids: [] } })), /^asks price: negative/);
  assert.equal(reason(l2({ changes: { asks: [] } })), 'bids: not a list');
  assert.equal(reason(l2({ symbol: 'A-C' })), 'topic /market/level2:A-B is not followed');
  const unknown = () => kucoin.normalize(Buffer.from(l2({})), { receivedAt: RECEIVED, market: () => undefined });
  assert.equal(reasonOf(unknown), 'unknown symbol A-B');
  assert.equal(
    reason('{"type":"message","topic":"/x:y","subject":"toString","data":{}}'),
    'subject toString is not followed',
  );
  assert.equal(reason('{"type":"notice"}'), 'type notice is not followed');
});

test('control frames say what they mean for the connection', () => {
  const said = (line: string) => kucoin.normalize(Buffer.from(line), context).control;
  const control = lines('kucoin.ws.control.20210425').map(said);
  assert.deepEqual(control, [{ kind: 'welcome' }, ...Array.from({ length: 13 }, () => ({ kind: 'ack' }))]);
  assert.deepEqual(said('{"id":"1545910590801","type":"pong"}'), { kind: 'alive' });
  assert.deepEqual(said('{"id":"1","type":"error","code":404,"data":"topic /market/x:A-B is not found"}'), {
    kind: 'refused',
    reason: '404 topic /market/x:A-B is not found',
    id: '1',
  });
  assert.deepEqual(said('{"id":"695cb272","type":"error","code":509,"data":"exceed max permits per second"}'), {
    kind: 'refused',
    reason: '509 exceed max permits per second',
  });
});
