/**
 * Every setting in one table. Parsed once at start; all problems are reported together (ConfigError). README and
 * .env.example are tested against this table.
 */
import { EXCHANGES } from '../../schema/market.ts';
import {
  accessToken,
  integer,
  list,
  market,
  notional,
  oneOf,
  origin,
  rate,
  type Setting,
  setting,
  takerFee,
  text,
  url,
} from './setting.ts';
import { C2C_SETTINGS } from './settings-c2c.ts';
import { KAFKA_SETTINGS, kafkaProblems } from './settings-kafka.ts';
import { readSupply } from './supply.ts';

export const SETTINGS = {
  PORT: setting('4000', 'Port of the API; 0 takes a free one', integer(0, 65_535)),
  HOST: setting(
    '127.0.0.1',
    'Address the API binds; anything but loopback needs ACCESS_TOKENS or ACCESS_TOKENS_FILE',
    text,
  ),
  METRICS_PORT: setting(
    '9464',
    'Port of /healthz, /readyz and /metrics in the roles ingest and work; 0 takes a free one',
    integer(0, 65_535),
  ),
  DATA_DIR: setting('.tickgraph', 'Folder of the embedded PostgreSQL, kept between runs', text),
  DATABASE_URL: setting(
    '',
    'PostgreSQL 15 or newer; empty starts the embedded one (npm start only)',
    url('postgres', 'postgresql'),
    true,
  ),
  REDIS_URL: setting(
    '',
    'Redis 7 or newer; empty keeps live state in memory (npm start only)',
    url('redis', 'rediss'),
    true,
  ),
  ...KAFKA_SETTINGS,
  MARKETS: setting(
    [
      ...['BTC', 'ETH', 'XRP', 'SOL', 'BNB', 'DOGE'].map((base) => `binance:${base}-USDT`),
      ...['BTC', 'ETH', 'XRP', 'USDT'].flatMap((base) => [`upbit:${base}-KRW`, `bithumb:${base}-KRW`]),
      ...['BTC', 'ETH', 'XRP'].map((base) => `kucoin:${base}-USDT`),
    ].join(','),
    'Markets to follow: exchange:BASE-QUOTE or exchange:*',
    list(market),
  ),
  MARKETS_REFRESH_MS: setting(
    '3600000',
    "How often the exchanges' lists are read again: exchange:* follows new listings, what is delisted is ended",
    integer(1_000, 86_400_000),
  ),
  TAKER_FEES: setting(
    '',
    "Fees of a taker as fractions where yours differ from the exchange's base rate: exchange:BASE-QUOTE=0.00075 or exchange:*=0.00075",
    list(takerFee),
  ),
  ACCESS_TOKENS: setting('', 'token:role list; roles: reader, merchant, admin', list(accessToken), true),
  ACCESS_TOKENS_FILE: setting(
    '',
    'File with more tokens, read anew when it changes: token:role a line, optionally followed by the instant it expires at',
    text,
  ),
  ALLOWED_ORIGINS: setting(
    '',
    "Origins of web pages that may call the API, or *; the server's own always may, on loopback every loopback one",
    list(origin),
  ),
  BINANCE_WS_URL: setting('', "Base of Binance's streams; set, its stand-in is not started", url('ws', 'wss')),
  BINANCE_REST_URL: setting('', "Base of Binance's REST API; set, its stand-in is not started", url('http', 'https')),
  KUCOIN_WS_URL: setting(
    '',
    "Host for KuCoin's streams; empty takes the one that comes with the token; set with KUCOIN_REST_URL, its stand-in is not started",
    url('ws', 'wss'),
  ),
  KUCOIN_REST_URL: setting(
    '',
    "Base of KuCoin's REST API, where the token for its streams comes from too; set, its stand-in is not started",
    url('http', 'https'),
  ),
  UPBIT_WS_URL: setting('', "Base of Upbit's streams; set, its stand-in is not started", url('ws', 'wss')),
  UPBIT_REST_URL: setting('', "Base of Upbit's REST API; set, its stand-in is not started", url('http', 'https')),
  BITHUMB_WS_URL: setting('', "Base of Bithumb's streams; set, its stand-in is not started", url('ws', 'wss')),
  BITHUMB_REST_URL: setting('', "Base of Bithumb's REST API; set, its stand-in is not started", url('http', 'https')),
  ...C2C_SETTINGS,
  SIM_SEED: setting('1', 'Seed of the simulated markets', integer(0, 2_147_483_647)),
  LOG_LEVEL: setting(
    'info',
    'trace, debug, info, warn, error or silent',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
  ),
  FEED_STALE_MS: setting(
    '15000',
    'A connected feed that is silent this long is stale and reconnected',
    integer(100, 3_600_000),
  ),
  RETENTION_TRADES_DAYS: setting('30', 'Days that silver.trade is kept, by event time', integer(1, 36_500)),
  RETENTION_TICKER_DAYS: setting('30', 'Days that silver.ticker_24h is kept, by event time', integer(1, 36_500)),
  RETENTION_ARBITRAGE_DAYS: setting(
    '7',
    'Days that gold.arbitrage_value is kept; the averages stay for good',
    integer(1, 36_500),
  ),
  RETENTION_RAW_DAYS: setting(
    '7',
    "Days that market rows of bronze are kept, by event time; a merchant's orders stay for good",
    integer(1, 36_500),
  ),
  // longer than the log keeps changes: what it brings again must be known
  RETENTION_CDC_DAYS: setting(
    '365',
    'Days that silver.cdc_record is kept, by commit time; the newest change of each row stays for good',
    integer(8, 36_500),
  ),
  RETENTION_DEAD_LETTERS_DAYS: setting('30', 'Days that ops.dead_letter is kept', integer(1, 36_500)),
  RETENTION_QUALITY_DAYS: setting('30', 'Days that results of failed checks of the data are kept', integer(1, 36_500)),
  RETENTION_RUNS_DAYS: setting('30', 'Days that runs of pipelines are kept in the record', integer(1, 36_500)),
  BACKFILL_HOURS: setting('24', 'Candles fetched for a market that has none yet, in hours', integer(0, 720)),
  SUPPLY_FILE: setting(
    '',
    'JSON object or CSV lines, base asset → units in circulation; empty leaves MARKET_CAP rankings empty',
    readSupply,
  ),
  SEND_BUFFER_BYTES: setting(
    '67108864',
    'Received and not yet taken by the log; beyond that, connections to the exchanges are closed until it is',
    integer(1_048_576, 2_147_483_647),
  ),
  ARBITRAGE_NOTIONALS: setting(
    '1000,10000,100000',
    'Sizes that spreads are worked out for, in USDT; the first one is what history keeps',
    list(notional),
  ),
  ARBITRAGE_LEG_MAX_AGE_MS: setting(
    '10000',
    'A book not heard of for this long can not be traded on',
    integer(100, 3_600_000),
  ),
  ARBITRAGE_FX_MAX_AGE_MS: setting(
    '10000',
    'A rate of KRW per USDT not heard of for this long can not be traded at',
    integer(100, 3_600_000),
  ),
  REFERENCE_FX: setting('', 'KRW per USD that the premium of USDT in KRW is measured against; empty: none', rate),
  LEASE_MS: setting('10000', 'How long a market lease outlives its holder', integer(500, 600_000)),
  START_PATIENCE_MS: setting('60000', 'How long a start waits for a store that is not there', integer(0, 3_600_000)),
  STORE_TIMEOUT_MS: setting('5000', 'Bound on one call to PostgreSQL, Redis or Kafka', integer(100, 120_000)),
  POSTGRES_POOL: setting('10', 'Connections to PostgreSQL a process', integer(1, 200)),
  MAX_BODY_BYTES: setting('262144', 'Largest HTTP body', integer(1_024, 16_777_216)),
  MAX_MESSAGE_BYTES: setting('65536', 'Largest WebSocket message from a client', integer(1_024, 16_777_216)),
  WEBSOCKET_COMPRESSION: setting(
    'off',
    'on: events go compressed to WebSockets that offer permessage-deflate; fewer bytes, more work',
    oneOf('off', 'on'),
  ),
  MAX_SOCKETS: setting('10000', 'WebSockets and event streams of one process', integer(1, 1_000_000)),
  MAX_SOCKETS_PER_ADDRESS: setting('2000', 'WebSockets and event streams of one client address', integer(1, 1_000_000)),
  MAX_SOCKETS_PER_KEY: setting('2000', 'WebSockets and event streams of one access token', integer(1, 1_000_000)),
  MAX_ACCEPTS_PER_SECOND: setting('2000', 'WebSockets and event streams accepted in a second', integer(1, 1_000_000)),
  TRUSTED_PROXIES: setting(
    '0',
    'Proxies in front that append to X-Forwarded-For; the client address is the one the first of them saw',
    integer(0, 10),
  ),
  CONNECTION_INIT_TIMEOUT_MS: setting(
    '3000',
    'A WebSocket without connection_init is closed with 4408 after this long',
    integer(50, 600_000),
  ),
  SOCKET_BUFFER_BYTES: setting(
    '262144',
    'Bytes waiting in a WebSocket from which on its events wait in the queues of its subscriptions',
    integer(1_024, 67_108_864),
  ),
  SOCKET_STUCK_MS: setting(
    '30000',
    'A WebSocket whose client reads nothing for this long is closed with 4490',
    integer(100, 3_600_000),
  ),
  MAX_SUBSCRIPTIONS_PER_SOCKET: setting('100', 'Subscriptions of one WebSocket', integer(1, 100_000)),
  MAX_SUBSCRIBER_QUEUE: setting('1000', 'Events waiting for one subscriber', integer(1, 1_000_000)),
  MAX_COHORTS: setting('20000', 'Different questions that subscriptions of one process ask', integer(1, 1_000_000)),
  MAX_RESUMES_PER_SECOND: setting('2000', 'Subscriptions that begin at a cursor in a second', integer(1, 1_000_000)),
  RESUME_BUFFER_EVENTS: setting(
    '1000',
    'Events of a stream kept in memory for those who come back',
    integer(0, 1_000_000),
  ),
  MAX_QUERY_DEPTH: setting('10', 'Nesting of an operation', integer(1, 100)),
  MAX_QUERY_TOKENS: setting('2000', 'Tokens of a document', integer(10, 1_000_000)),
  MAX_QUERY_ALIASES: setting('30', 'Aliases in an operation', integer(0, 10_000)),
  MAX_QUERY_COST: setting(
    '20000',
    'Cost of an operation: the objects it may read, a list counted by its page size',
    integer(1, 100_000_000),
  ),
  REQUEST_TIMEOUT_MS: setting('15000', 'Bound on one HTTP request', integer(100, 600_000)),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;
export type Config = { readonly [K in SettingName]: ReturnType<(typeof SETTINGS)[K]['parse']> };

/** Everything that is wrong with the settings, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

const LOOPBACK = /^(localhost|::1|127(\.[0-9]{1,3}){3})$/;

/** True for an address that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address.replace(/^::ffff:/, ''));
}

/**
 * The settings of an environment. `required` names what must be set (a single role needs all three stores).
 * Throws ConfigError with every problem found.
 */
export function readConfig(env: NodeJS.ProcessEnv, required: readonly SettingName[] = []): Config {
  const problems: string[] = [];
  const values = Object.fromEntries(
    Object.entries(SETTINGS).map(([name, one]) => {
      const given = env[name]?.trim() || one.default;
      if (given === '' && required.includes(name as SettingName)) problems.push(`${name}: must be set for this role`);
      try {
        return [name, one.parse(given)];
      } catch (error) {
        problems.push(`${name}: ${(error as Error).message}`);
        return [name, undefined];
      }
    }),
  ) as Config;
  if (values.HOST && !isLoopback(values.HOST) && values.ACCESS_TOKENS?.length === 0 && !values.ACCESS_TOKENS_FILE) {
    problems.push('ACCESS_TOKENS: must be set (or ACCESS_TOKENS_FILE) when HOST is not loopback');
  }
  for (const exchange of EXCHANGES) {
    const [ws, rest] = [`${exchange}_WS_URL`, `${exchange}_REST_URL`] as const;
    // half an exchange would be real and half its stand-in; KuCoin's REST API names the streams' host itself
    const lonely = values[ws] ? !values[rest] : values[rest] && exchange !== 'KUCOIN';
    if (lonely) problems.push(values[ws] ? `${ws}: needs ${rest} too` : `${rest}: needs ${ws} too`);
  }
  if (Boolean(values.BINANCE_API_KEY) !== Boolean(values.BINANCE_API_SECRET)) {
    const [set, unset] = values.BINANCE_API_KEY ? ['KEY', 'SECRET'] : ['SECRET', 'KEY'];
    problems.push(`BINANCE_API_${set}: needs BINANCE_API_${unset} too`);
  }
  problems.push(...kafkaProblems(values));
  if (values.ARBITRAGE_NOTIONALS?.length === 0) problems.push('ARBITRAGE_NOTIONALS: must name at least one size');
  if (values.MARKETS?.length === 0) problems.push('MARKETS: must name at least one market');
  if (problems.length > 0) throw new ConfigError(problems);
  return values;
}

/** Shorter ones would be found in everything. */
const SECRET_LENGTH = 6;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The passwords and tokens in the settings, for the log to leave out. */
export function secretsOf(config: Config): string[] {
  const inUrls = [config.DATABASE_URL, config.REDIS_URL].flatMap((given) => {
    if (!given) return [];
    const { username, password } = new URL(given);
    // a password that is the user's name is none, and that name is in many lines
    return password === username ? [] : [password, decoded(password)];
  });
  const landing = config.LANDING_URL?.kind === 's3' ? config.LANDING_URL.credentials : null;
  const kafka = config.KAFKA_PASSWORD;
  const given = [kafka, config.BINANCE_API_KEY, config.BINANCE_API_SECRET, landing?.key ?? '', landing?.secret ?? ''];
  return [...inUrls, ...given, ...config.ACCESS_TOKENS.map(({ token }) => token)].filter(
    (text) => text.length >= SECRET_LENGTH,
  );
}
