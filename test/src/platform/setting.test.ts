import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/platform/config.ts';

test('a time zone is a name that both PostgreSQL and JavaScript know, not an offset', () => {
  const zone = (name: string) => readConfig({ C2C_TIME_ZONE: name }).C2C_TIME_ZONE;
  assert.equal(zone(''), 'UTC');
  for (const name of ['UTC', 'Asia/Ho_Chi_Minh', 'America/Argentina/Buenos_Aires', 'Etc/GMT+7']) {
    assert.equal(zone(name), name);
  }
  for (const name of ['+07:00', 'GMT+7', 'Asia/Nowhere', 'utc', 'Asia', "UTC'; DROP TABLE x"]) {
    assert.throws(() => zone(name), /C2C_TIME_ZONE: must be UTC or the name of a time zone/, name);
  }
});
