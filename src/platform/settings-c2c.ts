/** Settings of a merchant's own orders: the signed API, what is fetched, and where it lands. */
import { landingPlace } from './landing/place.ts';
import { integer, oneOf, type Setting, setting, text, timeZone, url } from './setting.ts';

export const C2C_SETTINGS = {
  BINANCE_API_KEY: setting(
    '',
    "Key of Binance's signed API, for the merchant's own C2C orders; it needs to read only",
    text,
    true,
  ),
  BINANCE_API_SECRET: setting('', 'Secret of that key', text, true),
  BINANCE_C2C_URL: setting('', "Base of Binance's signed API; set, its stand-in is not started", url('http', 'https')),
  FETCH_MODE: setting(
    'latest',
    'C2C orders: latest (since the last that is stored, and those still open), latest_month or backfill (six months, all there is)',
    oneOf('latest', 'latest_month', 'backfill'),
  ),
  ENABLE_DB_UPSERT: setting(
    'true',
    'C2C orders go into the table that change data capture watches',
    oneOf('true', 'false'),
  ),
  ENABLE_LANDING_WRITE: setting(
    'true',
    'Answers about C2C orders go, as received, into the landing store',
    oneOf('true', 'false'),
  ),
  SLEEP_INTERVAL: setting('200', "Pause between two calls of Binance's signed API, ms", integer(0, 600_000)),
  LANDING_URL: setting(
    '',
    'Landing store: s3://bucket/prefix, s3://key:secret@host/bucket/prefix or file:///folder; empty takes a folder in DATA_DIR',
    landingPlace,
    true,
  ),
  BRONZE_WRITE_MODE: setting(
    'append',
    'append: bronze takes what it does not have of the landing store; overwrite: everything there is read again',
    oneOf('append', 'overwrite'),
  ),
  BRONZE_CLEANUP_MODE: setting(
    'keep',
    'delete: what bronze has taken leaves the landing store; keep: it stays',
    oneOf('delete', 'keep'),
  ),
  C2C_TIME_ZONE: setting(
    'UTC',
    'Time zone of the days in figures of C2C orders, e.g. Asia/Ho_Chi_Minh; a change makes the figures anew',
    timeZone,
  ),
  CDC_SOURCE: setting(
    'auto',
    'Who captures changes: embedded (our own reader), debezium, off; auto: embedded in npm start, debezium in the role work',
    oneOf('auto', 'embedded', 'debezium', 'off'),
  ),
} as const satisfies Record<string, Setting<unknown>>;

/** True where a stand-in serves the merchant's orders: nothing else was named, and no real key for real markets. */
export function usesC2cStandIn(
  config: { readonly BINANCE_C2C_URL: string | undefined; readonly BINANCE_API_KEY: string },
  live: boolean,
): boolean {
  return !config.BINANCE_C2C_URL && !(live && config.BINANCE_API_KEY);
}
