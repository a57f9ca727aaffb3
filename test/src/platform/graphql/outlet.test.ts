import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rate } from '../../../../src/platform/exchange/rate.ts';
import { asciiJson, NextFrames, SocketOutlet, textFrame } from '../../../../src/platform/graphql/outlet.ts';
import { textOf } from '../../../support/outlet.ts';
import { anyText } from '../../../support/texts.ts';
import { until } from '../../../support/until.ts';

/** A connection whose peer reads when it is told to. */
function connection() {
  const writes: string[] = [];
  let taken = (): void => {};
  const socket = new Writable({
    decodeStrings: false,
    highWaterMark: 1_024,
    write(chunk: string, _encoding, done) {
      writes.push(chunk);
      taken = done;
    },
  });
  return { socket, writes, read: () => taken() };
}

function outletOn(socket: Writable, stuckMs = 60_000) {
  const told = { stuck: 0, open: true };
  const outlet = new SocketOutlet({
    stream: socket as never,
    isOpen: () => told.open,
    maxBuffered: 2_048,
    stuckMs,
    onStuck: () => {
      told.stuck += 1;
    },
  });
  return { outlet, told };
}

test('a frame carries its text whatever its length, and JSON means the same in ASCII', () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) {
    assert.equal(textOf(textFrame('x'.repeat(length))).length, length);
  }
  fc.assert(
    fc.property(anyText(), (text) => {
      const json = asciiJson(JSON.stringify({ text }));
      assert.deepEqual(JSON.parse(textOf(textFrame(json))), { text });
    }),
  );
  assert.equal(textOf(new NextFrames('"a"').of('{"data":1}')), '{"id":"a","type":"next","payload":{"data":1}}');
});

test('what is sent in one turn leaves in one write, in order', async () => {
  const { socket, writes } = connection();
  const { outlet } = outletOn(socket);
  for (const text of ['one', 'two', 'three']) outlet.send(textFrame(text));
  await until('the write', () => writes.length > 0);
  assert.deepEqual(writes, [['one', 'two', 'three'].map(textFrame).join('')]);
});

test('a peer that does not read is noticed, told of, and heard when it reads again', async () => {
  const { socket, writes, read } = connection();
  const { outlet, told } = outletOn(socket, 20);
  outlet.send(textFrame('x'.repeat(3_000)));
  assert.equal(outlet.ready, false);
  outlet.flush();
  assert.equal(outlet.ready, false);
  await until('it to be stuck', () => told.stuck === 1);
  let ready = 0;
  outlet.whenReady(() => {
    ready += 1;
  });
  read();
  await until('it to be ready', () => ready === 1);
  assert.equal(outlet.ready, true);
  told.open = false;
  outlet.send(textFrame('late'));
  outlet.flush();
  assert.equal(writes.length, 1);
});

test('a rate lets through so many a second', () => {
  let now = 0;
  const rate = new Rate(2, () => now);
  assert.deepEqual([rate.take(), rate.take(), rate.take()], [true, true, false]);
  now = 500;
  assert.deepEqual([rate.take(), rate.take()], [true, false]);
  now = 60_000;
  assert.deepEqual([rate.take(), rate.take(), rate.take()], [true, true, false]);
});
