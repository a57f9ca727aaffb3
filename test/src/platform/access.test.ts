import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import { bearerToken, connectionToken, createAccess } from '../../../src/platform/access.ts';
import type { AccessToken } from '../../../src/platform/setting.ts';

const TOKENS: AccessToken[] = [
  { token: 'reader-0123456789abcdef', role: 'reader' },
  { token: 'merchant-0123456789abcdef', role: 'merchant' },
];

function request(headers: Record<string, string>, remoteAddress = '203.0.113.9'): IncomingMessage {
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage;
}

const bearer = (token: string): Record<string, string> => ({ host: 'api.example', authorization: `Bearer ${token}` });

describe('who calls', () => {
  const open = createAccess({ tokens: TOKENS, host: '0.0.0.0', allowedOrigins: [] });
  const local = createAccess({ tokens: TOKENS, host: '127.0.0.1', allowedOrigins: [] });

  test('a token gives its role; none, a wrong one or a part of one gives nothing', () => {
    const reader = open.identify(request(bearer('reader-0123456789abcdef')));
    const merchant = open.identify(request({}), 'merchant-0123456789abcdef');
    assert.deepEqual([reader?.role, reader?.local, merchant?.role], ['reader', false, 'merchant']);
    assert.notEqual(reader?.key, merchant?.key);
    assert.doesNotMatch(JSON.stringify([reader, merchant]), /0123456789abcdef/);
    assert.equal(open.identify(request({ host: 'api.example' })), null);
    for (const wrong of ['reader-0123456789abcdeg', 'reader-0123456789abcde', 'reader-0123456789abcdef0', '', ' ']) {
      assert.equal(open.identify(request(bearer(wrong))), null);
    }
  });

  test('a loopback peer is admin only where the server is bound to loopback', () => {
    for (const [peer, host] of [
      ['127.0.0.1', '127.0.0.1:4000'],
      ['::ffff:127.0.0.1', 'localhost:4000'],
      ['::1', '[::1]:4000'],
    ] as const) {
      assert.deepEqual(local.identify(request({ host }, peer)), { role: 'admin', local: true });
      assert.equal(open.identify(request({ host }, peer)), null);
    }
  });

  test('a proxy on this machine and a name bound to loopback make nobody local', () => {
    for (const headers of [
      { host: 'localhost', 'x-forwarded-for': '203.0.113.9' },
      { host: 'localhost', forwarded: 'for=203.0.113.9' },
      { host: 'rebound.example:4000' },
      { host: '127.0.0.1.rebound.example' },
      {},
    ]) {
      assert.equal(local.identify(request(headers as Record<string, string>, '127.0.0.1')), null);
    }
  });

  test('a loopback peer with a wrong token is refused, with a right one has its role', () => {
    const headers = { host: 'localhost' };
    assert.equal(local.identify(request({ ...headers, authorization: 'Bearer wrong' }, '127.0.0.1')), null);
    assert.equal(local.identify(request(headers, '127.0.0.1'), 'reader-0123456789abcdef')?.role, 'reader');
  });

  test('a caller is valid as long as its token is there, has its role and has not expired', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000 });
    const token = 'temporary-0123456789abcdef';
    const file: { tokens: AccessToken[] } = { tokens: [{ token, role: 'reader', expiresAt: 5_000 }] };
    const access = createAccess({ tokens: TOKENS, file, host: '0.0.0.0', allowedOrigins: [] });
    const [lasting, passing] = ['reader-0123456789abcdef', token].map((one) => access.identify(request({}), one));
    assert.ok(lasting && passing);
    const valid = () => [lasting, passing].map((caller) => access.isValid(caller));
    assert.deepEqual(valid(), [true, true]);
    t.mock.timers.setTime(5_000);
    assert.deepEqual(valid(), [true, false]);
    assert.equal(access.identify(request({}), token), null);
    file.tokens = [{ token, role: 'reader' }];
    assert.deepEqual(valid(), [true, true]);
    file.tokens = [{ token, role: 'admin' }];
    assert.deepEqual(valid(), [true, false]);
    file.tokens = [];
    assert.deepEqual(valid(), [true, false]);
    assert.equal(access.isValid({ role: 'admin', local: true }), true);
  });

  test('the schema is for admins, and for all on loopback', () => {
    assert.equal(open.maySeeSchema({ role: 'reader', local: false }), false);
    assert.equal(open.maySeeSchema({ role: 'admin', local: false }), true);
    assert.equal(local.maySeeSchema({ role: 'reader', local: false }), true);
  });
});

describe('tokens of clients', () => {
  test('a header has its scheme in any case', () => {
    assert.equal(bearerToken('Bearer abc'), 'abc');
    assert.equal(bearerToken('bearer  abc '), 'abc');
    assert.equal(bearerToken('  '), undefined);
    assert.equal(bearerToken(['x']), undefined);
  });

  test('connection_init carries it as authorization or token', () => {
    assert.equal(connectionToken({ Authorization: 'Bearer abc' }), 'abc');
    assert.equal(connectionToken({ authorization: 'abc' }), 'abc');
    assert.equal(connectionToken({ token: 'abc' }), 'abc');
    assert.equal(connectionToken({ token: 1 }), undefined);
    assert.equal(connectionToken(undefined), undefined);
  });
});

describe('origins', () => {
  const allowed = (host: string, origins: string[], origin: string | undefined, at = 'api.example') =>
    createAccess({ tokens: TOKENS, host, allowedOrigins: origins }).originAllowed(
      request({ host: at, ...(origin && { origin }) }),
    );

  test('no page, our own page and listed pages may call; others not', () => {
    assert.equal(allowed('0.0.0.0', [], undefined), true);
    assert.equal(allowed('0.0.0.0', [], 'https://api.example'), true);
    assert.equal(allowed('0.0.0.0', [], 'https://api.example', 'api.example:4000'), false);
    for (const origin of ['https://evil.example', 'null', 'nonsense', 'http://localhost:3000']) {
      assert.equal(allowed('0.0.0.0', [], origin), false, origin);
    }
    assert.equal(allowed('0.0.0.0', ['https://charts.example'], 'https://charts.example'), true);
    assert.equal(allowed('0.0.0.0', ['https://charts.example'], 'https://charts.example.evil'), false);
    assert.equal(allowed('0.0.0.0', ['*'], 'https://evil.example'), true);
  });

  test('on loopback every loopback page may, whatever its port', () => {
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1:5173', 'http://[::1]:1']) {
      assert.equal(allowed('127.0.0.1', [], origin, 'localhost:4000'), true, origin);
    }
    assert.equal(allowed('127.0.0.1', [], 'https://evil.example', 'localhost:4000'), false);
    assert.equal(allowed('127.0.0.1', [], 'http://localhost.evil.example', 'localhost:4000'), false);
  });
});
