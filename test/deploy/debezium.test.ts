import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCompose } from '../support/compose.ts';
import { projectText } from '../support/tree.ts';

const connector = JSON.parse(await projectText('deploy/debezium/c2c-order.json')) as Record<string, string>;
const { services } = await readCompose();

test('the connector reads the database of the compose file', () => {
  const { POSTGRES_DB } = services.postgres?.environment ?? {};
  assert.deepEqual([connector['database.hostname'], connector['database.port']], ['postgres', '5432']);
  assert.equal(connector['database.dbname'], POSTGRES_DB);
  assert.equal(connector['topic.prefix'], 'cdc');
  // without a provider Connect would take the text itself as the password
  const { CONNECT_CONFIG_PROVIDERS, CONNECT_CONFIG_PROVIDERS_ENV_CLASS, DBZ_PASSWORD } =
    services.connect?.environment ?? {};
  assert.equal(connector['database.password'], '$' + '{env:DBZ_PASSWORD}');
  assert.equal(CONNECT_CONFIG_PROVIDERS, 'env');
  assert.match(CONNECT_CONFIG_PROVIDERS_ENV_CLASS ?? '', /EnvVarConfigProvider$/);
  assert.ok(DBZ_PASSWORD);
});

test('defaults that lose or blur data are overridden', () => {
  const needed = {
    'plugin.name': 'pgoutput',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'isostring',
    'skipped.operations': 'none',
    'offset.mismatch.strategy': 'trust_offset',
    'slot.drop.on.stop': 'false',
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'initial',
  };
  for (const [name, value] of Object.entries(needed)) assert.equal(connector[name], value, name);
  assert.ok(Number(connector['heartbeat.interval.ms']) > 0, 'an idle table must not hold back the log');
});

test('the database is prepared for exactly what the connector asks for', async () => {
  const sql = await projectText('deploy/debezium/prepare.sql');
  for (const table of (connector['table.include.list'] ?? '').split(',')) {
    assert.match(sql, new RegExp(`GRANT SELECT\\b[^;]* ON ${table} TO ${connector['database.user']}`), table);
    assert.match(sql, new RegExp(`CREATE PUBLICATION ${connector['publication.name']} FOR TABLE [^']*${table}`), table);
  }
  assert.match(connector['heartbeat.action.query'] ?? '', /^INSERT INTO public\.dbz_heartbeat\b/);
});
