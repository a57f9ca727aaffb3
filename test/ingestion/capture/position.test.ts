import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Position } from '../../../ingestion/capture/position.ts';
import type { SlotState } from '../../../src/platform/postgres/slot.ts';

const slot: SlotState = { confirmed: 100n, active: false, lost: false, ours: true, behind: 0 };
const at: Position = { phase: 'stream', lsn: 100n };
const verdict = (state: Partial<SlotState> | null, position: Position | null, end = 1_000n) => {
  const said = judge({ end, slot: state && { ...slot, ...state } }, position);
  return said.kind === 'broken' ? said.reason : said.kind;
};

test('what a slot and a position say together', () => {
  assert.equal(verdict(null, null), 'snapshot');
  assert.equal(verdict({}, null), 'slot_foreign');
  assert.equal(verdict({ ours: false }, at), 'slot_foreign');
  assert.equal(verdict(null, { phase: 'snapshot', lsn: 0n }), 'snapshot');
  assert.equal(verdict({ lost: true }, { phase: 'snapshot', lsn: 0n }), 'snapshot');
  assert.equal(verdict(null, at), 'slot_missing');
  assert.equal(verdict({ lost: true }, at), 'slot_lost');
  assert.equal(verdict({ confirmed: 101n }, at), 'slot_ahead');
  assert.equal(verdict({}, at, 99n), 'log_behind');
  assert.equal(verdict({ confirmed: 50n }, at), 'stream');
  assert.deepEqual(judge({ end: 1_000n, slot }, at), { kind: 'stream', from: 100n });
});
