import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { captureNames, mergeRecording, readCapture } from '../support/fixtures.ts';

test('every capture is named in the NOTICE, parses, and lines up with its meta file', () => {
  const notice = readFileSync(new URL('../fixtures/NOTICE', import.meta.url), 'utf8');
  const names = captureNames();
  assert.ok(names.length > 50);
  for (const name of names) {
    assert.ok(notice.includes(`/${name}.jsonl.gz\n`), name);
    const lines = readCapture(name);
    assert.ok(lines.length > 0, name);
    for (const { line } of lines) JSON.parse(line);
  }
  const named = notice.match(/\/\S+\.jsonl\.gz/g) ?? [];
  assert.deepEqual(named.map((n) => n.slice(1).replace('.jsonl.gz', '')).sort(), names);
});

test('a recording interleaves its channels by arrival', () => {
  const lines = mergeRecording(['aggTrade', 'depth_100ms', 'kline_1m'].map((c) => `binance.ws.${c}.20210404`));
  assert.deepEqual(
    lines.map((l) => l.order),
    lines.map((_, i) => i),
  );
  for (let i = 1; i < lines.length; i++) assert.ok((lines[i]?.time ?? 0) >= (lines[i - 1]?.time ?? 0));
});
