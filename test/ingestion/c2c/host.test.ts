import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostOf } from '../../../ingestion/c2c/host.ts';

test('a stand-in is the same with every start, whatever its port, and nothing else is taken for one', () => {
  for (const host of ['127.0.0.1:1', '127.9.9.9:22', 'localhost:3', 'c2c.localhost', '[::1]:4']) {
    assert.equal(hostOf(`http://${host}`), 'simulated', host);
  }
  for (const host of ['api.binance.com', 'localhost.example', '10.0.0.1', '128.0.0.1', '127.0.0.1.example']) {
    assert.equal(hostOf(`https://${host}:8443`), host);
  }
});
