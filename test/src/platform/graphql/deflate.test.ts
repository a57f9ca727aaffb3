import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { deflatedFrame } from '../../../../src/platform/graphql/deflate.ts';
import { nextFrame } from '../../../../src/platform/graphql/outlet.ts';

/** RFC 7692 7.2.2: the tail is put back, then it is inflated. */
function inflated(frame: string): string {
  const bytes = Buffer.from(frame, 'latin1');
  assert.equal(bytes[0], 0xc1);
  const code = bytes[1] as number;
  const header = code < 126 ? 2 : code === 126 ? 4 : 10;
  const length = code < 126 ? code : code === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  assert.equal(bytes.length, header + length);
  const whole = Buffer.concat([bytes.subarray(header), Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
}

test('a compressed frame says what the plain one says, whatever the name and the result', () => {
  const ascii = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)) });
  fc.assert(
    fc.property(ascii, ascii, fc.integer({ min: 1, max: 3_000 }), (name, content, times) => {
      const [id, payload] = [JSON.stringify(name), JSON.stringify({ data: `${content}${'ab'.repeat(times)}` })];
      const frame = deflatedFrame(id, payload);
      if (payload.length < 256) assert.equal(frame, nextFrame(id, payload));
      else assert.equal(inflated(frame), `{"id":${id},"type":"next","payload":${payload}}`);
    }),
  );
});
