import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLog, redact } from '../../../src/platform/log.ts';

/** What a logger writes. */
function written(say: (log: ReturnType<typeof createLog>) => void, isTTY = false): string {
  let text = '';
  say(createLog('debug', { isTTY, write: (line) => (text += line) }));
  return text;
}

describe('secrets', () => {
  test('are cut out wherever they hide', () => {
    for (const [text, secret] of [
      ['postgres://app:hunter2@db:5432/x refused', 'hunter2'],
      ['redis://:hunter2@cache:6379', 'hunter2'],
      ['GET https://api.telegram.org/bot123456:AAhunter2-x/getMe', 'AAhunter2-x'],
      ['Authorization: Bearer hunter2.abc~+/==', 'hunter2'],
      ['{"apiKey":"hunter2","symbol":"BTC-USDT"}', 'hunter2'],
      ['?api_key=hunter2&symbol=BTCUSDT', 'hunter2'],
      ['signature=hunter2&timestamp=1', 'hunter2'],
      ['password: hunter2', 'hunter2'],
    ] as const) {
      assert.ok(!redact(text).includes(secret), redact(text));
      assert.match(redact(text), /\*\*\*/);
    }
    assert.equal(redact('binance:BTC-USDT at 67012.34'), 'binance:BTC-USDT at 67012.34');
  });

  test('in fields, messages and errors alike, and the line stays JSON', () => {
    const cause = new Error('connect postgres://app:hunter2@db/x');
    const text = written((log) => {
      log.error({ err: new Error('no answer from redis://:hunter2@cache', { cause }) }, 'sent with Bearer hunter2');
      log.warn({ err: new Error('refused: {"apiKey":"hunter2"}') }, '{"body":"{\\"secret\\": \\"hunter2\\"}"}');
      log.info({ url: 'amqp://u:hunter2@h', headers: { authorization: 'hunter2' }, token: 'hunter2' }, 'connected');
    });
    assert.doesNotMatch(text, /hunter2/);
    for (const line of text.trimEnd().split('\n')) assert.equal(typeof JSON.parse(line), 'object');
  });
});

describe('on a terminal', () => {
  test('a line is text: when, how bad, what, and the details', () => {
    const text = written(
      (log) => log.child({ part: 'ingest' }).info({ symbols: ['A-B', 'C-D'], n: 1 }, 'following'),
      true,
    );
    assert.match(text, /^\d\d:\d\d:\d\d info {2}following {2}part=ingest symbols=A-B,C-D n=1\n$/);
  });

  test('a warning has its reason, an error its stack, neither a secret', () => {
    const err = new Error('no answer from redis://:hunter2@cache');
    const [warning, ...error] = written((log) => {
      log.warn({ err, attempt: 2 }, 'tried again');
      log.error({ err }, 'ended');
    }, true).split('\n');
    assert.match(warning ?? '', /warn {2}tried again {2}attempt=2: no answer from redis:\/\/\*\*\*@cache$/);
    assert.match(error.join('\n'), /error ended\nError: no answer.*\n\s+at /);
    assert.doesNotMatch([warning, ...error].join('\n'), /hunter2/);
  });

  test('elsewhere it is one JSON object a line', () => {
    const line = JSON.parse(written((log) => log.info({ n: 1 }, 'following'))) as Record<string, unknown>;
    assert.deepEqual([line.level, line.n, line.msg], [30, 1, 'following']);
  });
});
