import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { queryOf, signatureOf, signedQuery } from '../../../ingestion/c2c/sign.ts';
import { anyText } from '../../support/texts.ts';

// rest-api.md, "SIGNED Endpoint Examples for POST /api/v3/order": the documented dummy secret
const SECRET = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';

test("the exchange's own example", () => {
  const params = {
    ...{ symbol: 'LTCBTC', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: 1, price: '0.1' },
    ...{ recvWindow: 5000, timestamp: 1_499_827_319_559 },
  };
  const query =
    'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559';
  const signature = 'c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71';
  assert.equal(queryOf(params), query);
  assert.equal(signatureOf(query, SECRET), signature);
  assert.equal(signedQuery(params, SECRET), `${query}&signature=${signature}`);
});

test('what is signed is the percent-encoded query, and is what is sent', () => {
  fc.assert(
    fc.property(fc.dictionary(anyText({ minLength: 1 }), anyText()), (params) => {
      const sent = signedQuery(params, SECRET);
      const at = sent.lastIndexOf('&signature=');
      const query = sent.slice(0, at);
      assert.match(query, /^[A-Za-z0-9\-._~%&=]*$/);
      assert.equal(sent.slice(at + 11), createHmac('sha256', SECRET).update(query).digest('hex'));
      const read = Object.fromEntries(new URLSearchParams(query));
      if (Object.keys(params).length > 0) assert.deepEqual(read, { ...params });
    }),
  );
});
