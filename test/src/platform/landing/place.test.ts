import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig, secretsOf } from '../../../../src/platform/config.ts';
import { landingPlace } from '../../../../src/platform/landing/place.ts';

test('where the landing store is', () => {
  assert.equal(landingPlace(''), undefined);
  assert.deepEqual(landingPlace('file:///var/lib/land%20ing'), { kind: 'folder', path: '/var/lib/land ing' });
  assert.deepEqual(landingPlace('s3://my-bucket/raw/c2c/?region=eu-west-1'), {
    ...{ kind: 's3', endpoint: null, region: 'eu-west-1', bucket: 'my-bucket', prefix: 'raw/c2c/', credentials: null },
  });
  assert.deepEqual(landingPlace('s3://AK:a%2Fb%2Bc@minio:9000/my-bucket?tls=off'), {
    ...{ kind: 's3', endpoint: 'http://minio:9000', region: 'us-east-1', bucket: 'my-bucket', prefix: '' },
    credentials: { key: 'AK', secret: 'a/b+c' },
  });
  const gcs = landingPlace('s3://GOOG1:secret@storage.googleapis.com/my-bucket/x');
  assert.equal(gcs?.kind === 's3' && gcs.endpoint, 'https://storage.googleapis.com');
});

test('what is no place is refused, and the reason holds no secret', () => {
  const wrong = ['x', '/var/x', 'https://bucket', 's3://', 's3://key@host/bucket', 's3://key:sesame@host', 's3://B!/x'];
  for (const text of [...wrong, 's3://key:sesame@host/bucket?tls=maybe', 'file://host/x']) {
    assert.throws(
      () => landingPlace(text),
      (error) => !String(error).includes('sesame'),
      text,
    );
  }
});

test('keys and secrets of the settings are kept out of the log', () => {
  const config = readConfig({
    ...{ BINANCE_API_KEY: 'open-key', BINANCE_API_SECRET: 'open-secret' },
    LANDING_URL: 's3://land-key:land-secret@minio/bucket',
  });
  const secrets = secretsOf(config);
  for (const secret of ['open-key', 'open-secret', 'land-key', 'land-secret'])
    assert.ok(secrets.includes(secret), secret);
  assert.throws(() => readConfig({ BINANCE_API_KEY: 'only' }), /BINANCE_API_SECRET/);
  assert.throws(
    () => readConfig({ LANDING_URL: 's3://key:sesame@host' }),
    (error) => !String(error).includes('sesame'),
  );
});
