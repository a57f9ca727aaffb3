import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  BadLanding,
  callOf,
  type LandedAnswer,
  landingFile,
  readLanded,
} from '../../../../src/platform/landing/answer.ts';

const ANSWER: LandedAnswer = {
  ...{ callId: '6d6466e2-465a-4ec1-9069-a67902f6a19c', source: 'binance_c2c', endpoint: '/sapi/v1/c2c' },
  ...{ callTs: Date.UTC(2026, 0, 31, 23, 59, 59, 999), receivedAt: Date.UTC(2026, 1, 1), payload: '{"a":1}' },
};

test('a file is one line of gzip NDJSON, under its source and the UTC day of its call', async () => {
  const { key, bytes } = await landingFile(ANSWER);
  assert.equal(key, `source=binance_c2c/day=2026-01-31/${ANSWER.callTs}-${ANSWER.callId}.ndjson.gz`);
  assert.deepEqual(callOf(key), { callId: ANSWER.callId, callTs: ANSWER.callTs });
  const text = gunzipSync(bytes).toString();
  assert.equal(text.indexOf('\n'), text.length - 1);
  assert.deepEqual(JSON.parse(text), { ...ANSWER, payload: { a: 1 } });
});

test('what was landed is read as it was received: any JSON, digit by digit', async () => {
  const texts = fc.oneof(
    fc.json(),
    fc.json().map((text) => JSON.stringify(JSON.parse(text), null, 2)),
    fc.constantFrom(
      '{"n":123456789012345678901234567890.10,"payload":{"payload":1}}',
      '"\\u0000"',
      '{\r\n"a": 1e-7\r\n}',
      ' [] ',
    ),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (payload) => {
      const [read] = await readLanded((await landingFile({ ...ANSWER, payload })).bytes);
      // line breaks between tokens become blanks
      assert.equal(read?.payload, payload.replaceAll(/[\r\n]+/g, ' '));
      assert.deepEqual({ ...read, payload: '' }, { ...ANSWER, payload: '' });
      assert.deepEqual(JSON.parse(read?.payload ?? ''), JSON.parse(payload));
    }),
    { numRuns: 60 },
  );
});

test('what is no file of answers is refused with a reason that tells nothing of what is in it', async () => {
  const { bytes } = await landingFile({ ...ANSWER, payload: '{"name":"Secretname"}' });
  const refused = async (given: Buffer, reason: RegExp): Promise<void> => {
    const error = await readLanded(given).then(
      () => null,
      (why: unknown) => why,
    );
    assert.ok(error instanceof BadLanding);
    assert.match(error.message, reason);
    assert.doesNotMatch(String(error.stack), /Secret/);
  };
  await refused(bytes.subarray(0, bytes.length - 9), /not gzip/);
  await refused(Buffer.from('Secretname'), /not gzip/);
  await refused(Buffer.alloc(0), /not gzip|empty/);
  await refused(gzipSync('\n\n'), /empty/);
  await refused(gzipSync('{"callId":"a","payload":{"name":"Secretname}\n'), /line 1 is not JSON/);
  await refused(gzipSync('{"name":"Secretname"}\n'), /line 1 is/);
  await refused(gzipSync(`${gunzipSync(bytes)}{"callId":"a","payload":1}\n`), /line 2 is no answer/);
});

test('what no column can hold is refused, not handed on', async () => {
  const text = gunzipSync((await landingFile(ANSWER)).bytes).toString();
  const changes: [string, string][] = [
    ...['-1', '1e15', '4102444800001', '1.5', '"1"'].flatMap((time): [string, string][] => [
      [`"callTs":${ANSWER.callTs}`, `"callTs":${time}`],
      [`"receivedAt":${ANSWER.receivedAt}`, `"receivedAt":${time}`],
    ]),
    ...['a\\u0000b', '\\ud800', 'a b', 'a:0', 'x'.repeat(101)].map((id): [string, string] => [ANSWER.callId, id]),
    ['binance_c2c', 'binance\\u0000'],
    ['/sapi/v1/c2c', '/\\udc00'],
    ['"payload":{"a":1}', '"payload":{"a":1},"more":2'],
  ];
  for (const [from, to] of changes) {
    const changed = text.replace(from, to);
    assert.notEqual(changed, text);
    await assert.rejects(readLanded(gzipSync(changed)), BadLanding, `${from} -> ${to}`);
  }
});

test('a name that is none of ours has no call', () => {
  for (const key of [
    '',
    'x',
    'source=a/day=2026-01-01/x.ndjson.gz',
    'source=a/1-b.ndjson.gz',
    'source=a/day=2026-01-01/1-b.json',
  ]) {
    assert.equal(callOf(key), null, key);
  }
});
