import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryFailedError } from 'typeorm';
import { readConfig, secretsOf } from '../../../src/platform/config.ts';
import { createLog, redact } from '../../../src/platform/log.ts';

const SECRET = 'hunter2/x+y';

/** What a logger that knows `secrets` writes for these fields; every line must be JSON. */
function written(fields: object, message = 'said', secrets: readonly string[] = []): string {
  const lines: string[] = [];
  createLog('trace', { write: (line) => lines.push(line) }, secrets).info(fields, message);
  for (const line of lines) JSON.parse(line);
  return lines.join('');
}

test('whatever is named like a secret, wherever its name and value stand', () => {
  for (const text of [
    'Authorization: Basic hunter2==',
    'X-MBX-APIKEY: hunter2',
    'refresh_token=hunter2',
    'accessToken=hunter2&x=1',
    "password: 'hunter2'",
    'redis://hunter2@cache:6379',
    'postgres://app:p@hunter2@db:5432/x',
    'client_secret=hunter2, next',
  ]) {
    assert.doesNotMatch(redact(text), /hunter2/, text);
  }
  for (const fields of [
    { accessToken: SECRET },
    { api: { refresh_token: SECRET, clientSecret: `a "quoted" ${SECRET}` } },
    { body: JSON.stringify({ password: `with spaces, ${SECRET}`, next: 1 }) },
    { headers: { authorization: `Basic ${SECRET}`, 'x-api-key': SECRET } },
  ]) {
    assert.doesNotMatch(written(fields), /hunter2/, JSON.stringify(fields));
  }
});

test('names of counterparties, in a field or in text of JSON', () => {
  const row = { counter_part_nick_name: 'Alice "A"', order_number: '7' };
  const text = written({ row, order: { counterPartNickName: 'Alice' }, body: JSON.stringify(row) });
  assert.doesNotMatch(text, /Alice/);
  assert.match(text, /"order_number":"7"/);
});

test('what is none stays, and the line stays JSON', () => {
  const line = JSON.parse(written({ tokens: 17, url: 'wss://stream.binance.com:9443/ws', ok: true, token: null }));
  assert.equal(line.tokens, 17);
  assert.equal(line.url, 'wss://stream.binance.com:9443/ws');
  assert.equal(line.token, null);
});

test('the secrets of the settings are left out whatever they look like', () => {
  const config = readConfig({
    DATABASE_URL: 'postgres://app:se%2Fcr"et@db/x',
    REDIS_URL: 'redis://:another-one@cache',
    ACCESS_TOKENS: 'token-of-sixteen-characters:admin',
  });
  const secrets = secretsOf(config);
  const text = written({ a: ['se/cr"et', 'another-one'] }, 'also token-of-sixteen-characters', secrets);
  assert.doesNotMatch(text, /se\/cr|another-one|sixteen/);
  assert.deepEqual(secretsOf(readConfig({ DATABASE_URL: 'postgres://postgres:postgres@db/x' })), []);
});

test('a failed statement is logged without what it was given', () => {
  const driver = Object.assign(new Error('value out of range'), {
    code: '22003',
    detail: 'Failing row contains (confidential)',
  });
  const err = new QueryFailedError(`INSERT ${'x'.repeat(5_000)}`, [['confidential']], driver);
  const text = written({ err });
  assert.match(text, /value out of range/);
  assert.doesNotMatch(text, /confidential/);
  assert.ok(text.length < 4_000, `${text.length}`);
});

test('text made to take long does not', () => {
  const from = performance.now();
  for (const part of ['a-', 'token', 'x://', '\\"token', 'password=', '\\']) redact(part.repeat(50_000 / part.length));
  assert.ok(performance.now() - from < 1_500, `${performance.now() - from} ms`);
});
