import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createAdmission, createKeyAdmission } from '../../../../src/platform/graphql/admission.ts';

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } }) as unknown as IncomingMessage;
const LIMITS = { MAX_SOCKETS: 3, MAX_SOCKETS_PER_ADDRESS: 2, MAX_ACCEPTS_PER_SECOND: 100, TRUSTED_PROXIES: 0 };

test('connections are bounded in all and for an address, and one that left makes room', () => {
  const admission = createAdmission(LIMITS);
  const leave = admission.enter(from('::ffff:10.0.0.1'));
  assert.ok(typeof leave === 'function');
  assert.ok(typeof admission.enter(from('10.0.0.1')) === 'function');
  assert.deepEqual(admission.enter(from('10.0.0.1')), { status: 429, limit: 'MAX_SOCKETS_PER_ADDRESS', max: 2 });
  assert.ok(typeof admission.enter(from('10.0.0.2')) === 'function');
  assert.deepEqual(admission.enter(from('10.0.0.3')), { status: 503, limit: 'MAX_SOCKETS', max: 3 });
  leave();
  leave();
  assert.ok(typeof admission.enter(from('10.0.0.1')) === 'function');
  assert.deepEqual(admission.enter(from('10.0.0.1')), { status: 503, limit: 'MAX_SOCKETS', max: 3 });
});

test('connections of one token are bounded, whatever their addresses; those without one are not counted', () => {
  const keys = createKeyAdmission(1);
  const leave = keys.enter('a');
  assert.ok(typeof leave === 'function');
  assert.deepEqual(keys.enter('a'), { status: 429, limit: 'MAX_SOCKETS_PER_KEY', max: 1 });
  assert.ok(typeof keys.enter('b') === 'function');
  leave();
  leave();
  assert.ok(typeof keys.enter('a') === 'function');
  assert.ok(typeof keys.enter('a') !== 'function');
  for (let i = 0; i < 3; i++) assert.ok(typeof keys.enter(undefined) === 'function');
});

test('no more than so many a second', () => {
  const admission = createAdmission({ ...LIMITS, MAX_ACCEPTS_PER_SECOND: 1 });
  assert.ok(typeof admission.enter(from('10.0.0.1')) === 'function');
  assert.deepEqual(admission.enter(from('10.0.0.2')), { status: 503, limit: 'MAX_ACCEPTS_PER_SECOND', max: 1 });
});

test('behind trusted proxies the address is what the first of them saw; what a client claims counts for nothing', () => {
  const limits = { ...LIMITS, MAX_SOCKETS_PER_ADDRESS: 1, TRUSTED_PROXIES: 1 };
  const admission = createAdmission(limits);
  assert.ok(typeof admission.enter(from('10.0.0.9', 'made-up, 1.2.3.4')) === 'function');
  assert.ok(typeof admission.enter(from('10.0.0.9', '1.2.3.5')) === 'function');
  assert.deepEqual(admission.enter(from('10.0.0.9', 'other, 1.2.3.4')), {
    status: 429,
    limit: 'MAX_SOCKETS_PER_ADDRESS',
    max: 1,
  });
  const direct = createAdmission({ ...limits, TRUSTED_PROXIES: 0 });
  assert.ok(typeof direct.enter(from('10.0.0.9', '1.2.3.4')) === 'function');
  assert.ok(typeof direct.enter(from('10.0.0.9', '1.2.3.5')) !== 'function');
});
