/** Settings of the way to Kafka: where it is, and what it wants to see before it talks. */
import { readFileSync } from 'node:fs';
import { broker, integer, list, oneOf, setting, text } from './setting.ts';

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** Certificates in PEM of who vouches for the brokers. */
function readAuthorities(path: string): string | undefined {
  if (path === '') return undefined;
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`can not be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('holds no certificate in PEM');
  return pem;
}

export const KAFKA_SETTINGS = {
  KAFKA_BROKERS: setting('', 'host:port list; empty keeps the log in memory (npm start only)', list(broker)),
  KAFKA_TLS: setting(
    'off',
    'on: connections to Kafka are encrypted, and its certificate is checked',
    oneOf('off', 'on'),
  ),
  KAFKA_CA_FILE: setting(
    '',
    "PEM file of the authorities that vouch for Kafka's certificate; empty takes those that Node knows",
    readAuthorities,
  ),
  KAFKA_SASL: setting('', `Kafka asks who we are: ${MECHANISMS.join(', ')}; empty: it does not`, (value) =>
    value === '' ? undefined : oneOf(...MECHANISMS)(value),
  ),
  KAFKA_USERNAME: setting('', 'User name for KAFKA_SASL', text),
  KAFKA_PASSWORD: setting('', 'Password for KAFKA_SASL', text, true),
  KAFKA_SESSION_TIMEOUT_MS: setting('10000', 'A worker silent this long loses its partitions', integer(500, 300_000)),
};

/** What is wrong with the settings together, a line each. */
export function kafkaProblems({
  KAFKA_TLS: tls,
  KAFKA_CA_FILE: authorities,
  KAFKA_SASL: mechanism,
  KAFKA_USERNAME: username,
  KAFKA_PASSWORD: password,
}: { readonly [K in keyof typeof KAFKA_SETTINGS]?: ReturnType<(typeof KAFKA_SETTINGS)[K]['parse']> }): string[] {
  const problems: string[] = [];
  if (authorities && tls !== 'on') problems.push('KAFKA_CA_FILE: needs KAFKA_TLS=on');
  if (mechanism && !username) problems.push('KAFKA_USERNAME: must be set for KAFKA_SASL');
  if (mechanism && !password) problems.push('KAFKA_PASSWORD: must be set for KAFKA_SASL');
  if (!mechanism && (username || password)) {
    problems.push(`${username ? 'KAFKA_USERNAME' : 'KAFKA_PASSWORD'}: needs KAFKA_SASL too`);
  }
  // the password would go over the wire as it is
  if (mechanism === 'plain' && tls === 'off') problems.push('KAFKA_SASL: plain needs KAFKA_TLS=on');
  return problems;
}
