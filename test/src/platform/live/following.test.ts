import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Following, type Standing } from '../../../../src/platform/live/following.ts';
import type { StreamEntry } from '../../../../src/platform/live/store.ts';

type Told = ['entries', ...number[]] | ['lost', string | null, number];

function following(after: bigint) {
  const told: Told[] = [];
  const bugs: unknown[] = [];
  const one = new Following(
    's',
    after,
    {
      entries: (_, entries) => told.push(['entries', ...entries.map((e) => Number(e.sequence))]),
      lost: (_, now) => told.push(['lost', now?.epoch ?? null, Number(now?.sequence ?? -1)]),
      interrupted: () => {},
      resumed: () => {},
    },
    (bug) => bugs.push(bug),
  );
  const accept = (birth: string, ...sequences: number[]) =>
    one.accept(
      sequences.map(
        (n): StreamEntry => ({ epoch: 'e', sequence: BigInt(n), payload: '', gap: null, time: 0, logged: null }),
      ),
      sequences.map(() => birth),
    );
  return { one, told, bugs, accept };
}

const at = (birth: string, sequence: number): Standing => ({ epoch: 'e', sequence: BigInt(sequence), birth });

test('dense entries are delivered as they come', () => {
  const { one, told, accept } = following(2n);
  one.observe(at('b', 5));
  accept('b', 3, 4, 5);
  accept('b', 6);
  assert.deepEqual(told, [
    ['entries', 3, 4, 5],
    ['entries', 6],
  ]);
  assert.equal(one.after, 6n);
});

test('a jump is a loss, told before what comes after it', () => {
  const { told, accept } = following(0n);
  accept('b', 1, 2, 7, 8);
  assert.deepEqual(told, [
    ['entries', 1, 2],
    ['lost', 'e', 6],
    ['entries', 7, 8],
  ]);
});

test('nothing to read up to where the stream stands is a loss', () => {
  const { one, told, accept } = following(2n);
  one.observe(at('b', 5));
  accept('b');
  accept('b');
  accept('b', 6);
  assert.deepEqual(told, [
    ['lost', 'e', 5],
    ['entries', 6],
  ]);
});

test('a position that went back is a loss', () => {
  const { one, told, accept } = following(9n);
  one.observe(at('b', 5));
  accept('b');
  accept('b', 6);
  assert.deepEqual(told, [
    ['lost', 'e', 5],
    ['entries', 6],
  ]);
});

test('a stream that is gone is told once, and followed from its next beginning', () => {
  const { one, told, accept } = following(3n);
  for (let n = 0; n < 3; n++) {
    one.observe(null);
    accept('b');
  }
  accept('c', 1);
  assert.deepEqual(told, [
    ['lost', null, -1],
    ['entries', 1],
  ]);
});

test('a stream that began anew is read from its start, however it was noticed', () => {
  const seen = following(3n);
  seen.one.observe(at('b', 3));
  seen.one.observe(at('c', 9));
  assert.equal(seen.one.after, 0n);
  assert.deepEqual(seen.told, [['lost', 'e', 0]]);

  const read = following(3n);
  read.accept('b', 4);
  read.accept('c', 5, 6);
  assert.equal(read.one.after, 0n);
  read.accept('c', 1, 2);
  assert.deepEqual(read.told, [
    ['entries', 4],
    ['lost', 'e', 0],
    ['entries', 1, 2],
  ]);
});

test('ended, it tells nothing more', () => {
  const { one, told, accept } = following(0n);
  one.end();
  one.observe(null);
  accept('b', 1, 5);
  assert.deepEqual(told, []);
});

test('what a handler throws is handed over, and following goes on', () => {
  const bugs: unknown[] = [];
  const bug = new Error('bug');
  const fail = (): never => {
    throw bug;
  };
  const one = new Following('s', 0n, { entries: fail, lost: fail, interrupted: fail, resumed: fail }, (e) =>
    bugs.push(e),
  );
  one.accept([{ epoch: 'e', sequence: 2n, payload: '', gap: null, time: 0, logged: null }], ['b']);
  assert.deepEqual(bugs, [bug, bug]);
  assert.equal(one.after, 2n);
});
