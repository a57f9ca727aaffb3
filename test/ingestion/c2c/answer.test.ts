import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BadC2cAnswer, C2cRefused, readPage } from '../../../ingestion/c2c/answer.ts';
import { parseC2cOrder } from '../../../schema/c2c-order.ts';
import { readCapture } from '../../support/fixtures.ts';

const OLDER = {
  ...{ orderNumber: '20219644646554779648', advNo: '11218246497340923904', tradeType: 'SELL', asset: 'BUSD' },
  ...{ fiat: 'CNY', fiatSymbol: '￥', amount: '5000.00000000', totalPrice: '33400.00000000', unitPrice: '6.68' },
  ...{ orderStatus: 'COMPLETED', createTime: 1_619_361_369_000, commission: '0', counterPartNickName: 'ab***' },
  advertisementRole: 'TAKER',
};
const NONE = {
  ...{ payMethodName: null, additionalKycVerify: null, takerCommissionRate: null },
  ...{ takerCommission: null, takerAmount: null },
};

test('both generations of an answer are read; a number of 20 digits stays what it is', () => {
  const older = JSON.stringify({ code: '000000', message: 'success', data: [OLDER], total: 1, success: true });
  const page = readPage(older);
  assert.equal(page.total, 1);
  assert.deepEqual(parseC2cOrder(page.orders[0]), { order: { ...OLDER, ...NONE } });
  const line = readCapture('binance_c2c.rest.listUserOrderHistory.docs_example_v5')[0]?.line ?? '';
  const newer = readPage(line.replace('"message":"success"', '"message":null'));
  const parsed = parseC2cOrder(newer.orders[0]);
  assert.ok('order' in parsed);
  assert.deepEqual(parsed.order, {
    ...OLDER,
    ...{ payMethodName: 'BANK', additionalKycVerify: 0, takerCommissionRate: '0', takerCommission: '0' },
    takerAmount: '343.4',
  });
});

test('both shapes of an error are told apart from an answer', () => {
  const refused = (text: string, code: number | string): void => {
    assert.throws(
      () => readPage(text),
      (error) => error instanceof C2cRefused && error.code === code,
      text,
    );
  };
  refused('{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}', -1021);
  refused('{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', -2015);
  refused('{"code":"083001","message":"the time range is too long","data":null,"success":false}', '083001');
  refused('{"code":"000000","message":null,"data":null,"success":false}', '000000');
  const bad = [
    '',
    'null',
    '[]',
    '"x"',
    '{}',
    '{"code":"000000"',
    '{"code":"000000","success":true,"data":{}}',
    '<html>',
  ];
  for (const text of [...bad, '{"code":0}', '{"code":"000000","data":[]}']) {
    assert.throws(() => readPage(text), BadC2cAnswer, text);
  }
  assert.deepEqual(readPage('{"code":"000000","success":true,"data":null}'), { orders: [], total: null });
});

test('no reason tells a name, whatever is wrong with an order', () => {
  const name = 'Secretname';
  const wrong = fc.record(
    Object.fromEntries(
      Object.keys({ ...OLDER, ...NONE }).map((field) => [field, fc.constantFrom(name, 1, null, [name], '')]),
    ),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(wrong, fc.constant(name), fc.constant([name])), (given) => {
      const value = typeof given === 'object' && !Array.isArray(given) ? { ...OLDER, amount: name, ...given } : given;
      const parsed = parseC2cOrder(value);
      if ('reason' in parsed) assert.doesNotMatch(parsed.reason, /Secret/);
    }),
  );
  assert.throws(
    () => readPage(`{"code":"000000","success":true,"data":"${name}"}`),
    (e) => !String(e).includes(name),
  );
});

test('an order that is none is refused with the fields that are wrong', () => {
  const reason = (change: object): string => {
    const parsed = parseC2cOrder({ ...OLDER, ...change });
    return 'reason' in parsed ? parsed.reason : 'none';
  };
  assert.match(reason({ amount: '1e3' }), /^amount: not a decimal/);
  assert.match(reason({ amount: 5_000 }), /^amount: /);
  assert.match(reason({ unitPrice: '-1' }), /^unitPrice: /);
  assert.match(reason({ orderNumber: 20_219_644_646_554_780_000 }), /^orderNumber: /);
  assert.match(reason({ createTime: '2021-04-25' }), /^createTime: /);
  assert.match(reason({ createTime: 1_619_361_369 }), /^createTime: /, 'seconds');
  assert.match(reason({ tradeType: 'HOLD', fiat: 'yuan' }), /tradeType.*fiat/);
  assert.equal(reason({ orderStatus: 'SOMETHING_NEW', unknown: 1 }), 'none', 'new statuses and fields are taken');
  assert.equal(reason({ takerAmount: '', payMethodName: null, commission: '' }), 'none');
});
