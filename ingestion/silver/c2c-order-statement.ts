/**
 * The statement that makes silver.c2c_order of a part of bronze. Each row is judged by itself, so that one that is no order
 * can spoil nothing but itself; of an order's answers the later status wins, of equal statuses the newer answer. Both are
 * the same whatever the order in which rows come, which is why a rebuild ends in the same table.
 */
import { C2C_STATUSES } from '../../schema/c2c.ts';
import { PART } from './raw-events.ts';

/** The last three statuses end an order. A status that is not known comes before those and after all others. */
const FINAL = 3;
export const STATUS_ORDER: readonly string[] = [
  ...C2C_STATUSES.slice(0, -FINAL),
  'UNKNOWN',
  ...C2C_STATUSES.slice(-FINAL),
];

/** What the first generation of answers has; an answer with any field of the second is of that one. */
const FIRST = [
  ...['orderNumber', 'advNo', 'tradeType', 'asset', 'fiat', 'fiatSymbol', 'amount', 'totalPrice', 'unitPrice'],
  ...['orderStatus', 'createTime', 'commission', 'counterPartNickName', 'advertisementRole'],
];
const SECOND = ['payMethodName', 'additionalKycVerify', 'takerCommissionRate', 'takerCommission', 'takerAmount'];

/** Rows kept with a result. */
const SAMPLE = 20;
/** Names of unknown fields that are reported; they come from outside and must not fill the table. */
const MAX_FIELDS = 100;

const texts = (names: readonly string[]): string => `ARRAY[${names.map((name) => `'${name}'`).join(', ')}]`;

/** Plain, not negative, and of a size that stays exact everywhere after. */
const NUMBER = '^[0-9]{1,20}(\\.[0-9]{1,18})?$';
const REQUIRED = { amount: 'amount', total_price: 'totalPrice', unit_price: 'unitPrice' };
const OPTIONAL = {
  commission: 'commission',
  taker_commission_rate: 'takerCommissionRate',
  taker_commission: 'takerCommission',
  taker_amount: 'takerAmount',
};
const NUMBERS = Object.entries({ ...REQUIRED, ...OPTIONAL });

/** Empty text counts as absent. */
const said = (name: string): string => `nullif(payload->>'${name}', '')`;

/** Rules of form: condition that fails, reason. What they let through can be cast. */
const FORM: readonly (readonly [string, string])[] = [
  ["jsonb_typeof(payload) <> 'object'", 'not an object'],
  [`coalesce(${said('orderNumber')} !~ '^[0-9A-Za-z_-]{1,64}$', true)`, 'orderNumber: none'],
  [`coalesce(${said('tradeType')} NOT IN ('BUY', 'SELL'), true)`, 'tradeType: neither BUY nor SELL'],
  [`coalesce(${said('asset')} !~ '^[A-Z0-9]{1,20}$', true)`, 'asset: none'],
  [`coalesce(${said('fiat')} !~ '^[A-Z]{3}$', true)`, 'fiat: not a currency'],
  [`coalesce(length(${said('orderStatus')}) > 64, true)`, 'orderStatus: none'],
  [`coalesce(${said('createTime')} !~ '^[0-9]{1,14}$', true)`, 'createTime: not a time'],
  ...Object.values(REQUIRED).map(
    (name) =>
      [
        `coalesce(${said(name)} !~ '${NUMBER}' OR ${said(name)} ~ '^[0.]+$', true)`,
        `${name}: not a decimal above zero`,
      ] as const,
  ),
  ...Object.values(OPTIONAL).map((name) => [`${said(name)} !~ '${NUMBER}'`, `${name}: not a decimal`] as const),
  [`${said('additionalKycVerify')} !~ '^[0-9]{1,3}$'`, 'additionalKycVerify: not a number'],
  [
    `greatest(${['advNo', 'fiatSymbol', 'counterPartNickName', 'advertisementRole', 'payMethodName']
      .map((name) => `length(payload->>'${name}')`)
      .join(', ')}) > 200`,
    'a text of more than 200 characters',
  ],
];

/** C2C began in 2019. The exchange's clock may be ahead of ours by an hour. */
const TIME = `CASE WHEN create_time < '2019-01-01Z' OR create_time > received_at + interval '1 hour'
    THEN 'createTime: not a time at which it can have been made' END`;
/** Prices are said to two decimals, which is off by up to half a percent where a unit costs about 1. */
const TOTAL = `CASE WHEN abs(amount * unit_price - total_price) > greatest(total_price * 0.01, 0.01)
    THEN 'totalPrice: more than 1 % off amount × unitPrice' END`;

const COLUMNS = [
  ...['order_number', 'adv_no', 'trade_type', 'asset', 'fiat', 'fiat_symbol', 'amount', 'total_price', 'unit_price'],
  ...['order_status', 'create_time', 'commission', 'counter_part_nick_name', 'advertisement_role', 'pay_method_name'],
  ...['additional_kyc_verify', 'taker_commission_rate', 'taker_commission', 'taker_amount', 'payload_generation'],
];
/** Which of two answers counts. */
const RANK = ['status_rank', 'answered_at', 'event_id'];
const of = (table: string, names: readonly string[]): string => names.map((name) => `${table}.${name}`).join(', ');

/** Judged rows of a check: what failed, why. The name of the counterparty is in none of them. */
const check = (name: string, reason: string): string =>
  `SELECT '${name}' AS check_name, event_id, order_number, ${reason} AS reason FROM judged`;

/**
 * Parameters: source, place (tx, event id), rows, statuses in their order. Answers `rows` read, `orders` and `rejects`
 * written, `failed` rows of each check
 * that has some, and `tx` and `id` of the last row read.
 */
export const C2C_ORDERS = `WITH part AS MATERIALIZED (${PART}),
formed AS MATERIALIZED (
  SELECT *, CASE ${FORM.map(([fails, reason]) => `WHEN ${fails} THEN '${reason}'`).join('\n    ')} END AS bad_form FROM part
), typed AS MATERIALIZED (
  SELECT tx, event_id, call_id, ts_event, received_at, received_at AS answered_at, payload, bad_form, left(payload->>'orderNumber', 64) AS order_number,
    coalesce(payload->>'advNo', '') AS adv_no, payload->>'tradeType' AS trade_type, payload->>'asset' AS asset,
    payload->>'fiat' AS fiat, coalesce(payload->>'fiatSymbol', '') AS fiat_symbol, payload->>'orderStatus' AS order_status,
    coalesce(payload->>'counterPartNickName', '') AS counter_part_nick_name,
    coalesce(payload->>'advertisementRole', '') AS advertisement_role, ${said('payMethodName')} AS pay_method_name,
    CASE WHEN bad_form IS NULL THEN timestamptz 'epoch' + (payload->>'createTime')::bigint * interval '1 millisecond' END AS create_time,
    CASE WHEN bad_form IS NULL THEN ${said('additionalKycVerify')}::integer END AS additional_kyc_verify,
    ${NUMBERS.map(([column, name]) => {
      const value = `trim_scale(${said(name)}::numeric)`;
      return `CASE WHEN bad_form IS NULL THEN ${column === 'commission' ? `coalesce(${value}, 0)` : value} END AS ${column}`;
    }).join(',\n    ')},
    CASE WHEN jsonb_exists_any(payload, ${texts(SECOND)}) THEN 2 ELSE 1 END::smallint AS payload_generation,
    coalesce(array_position($5::text[], payload->>'orderStatus'), array_position($5::text[], 'UNKNOWN'))::smallint AS status_rank
  FROM formed
), judged AS MATERIALIZED (
  SELECT *, array_remove(ARRAY[bad_form, bad_time, bad_total], NULL) AS reasons
  FROM (SELECT *, ${TIME} AS bad_time, ${TOTAL} AS bad_total,
    CASE WHEN bad_form IS NULL AND status_rank = array_position($5::text[], 'UNKNOWN')
      THEN 'orderStatus: ' || order_status || ' is not known' END AS bad_status,
    CASE WHEN count(*) OVER (PARTITION BY call_id, order_number) > 1 AND order_number IS NOT NULL
      THEN 'twice in one answer' END AS repeated FROM typed) t
), best AS MATERIALIZED (
  SELECT DISTINCT ON (order_number) ${of('j', [...COLUMNS, ...RANK])} FROM judged j WHERE reasons = '{}'
  ORDER BY order_number, status_rank DESC, answered_at DESC, event_id COLLATE "C" DESC
), moved AS (
  INSERT INTO silver.c2c_order_moved (order_number, asset, fiat, create_time)
  SELECT t.order_number, t.asset, t.fiat, t.create_time FROM silver.c2c_order t JOIN best b USING (order_number)
  WHERE (${of('b', RANK)}) > (${of('t', RANK)}) AND (b.asset, b.fiat, b.create_time) <> (t.asset, t.fiat, t.create_time)
), written AS (
  INSERT INTO silver.c2c_order AS t (${[...COLUMNS, ...RANK].join(', ')}) SELECT * FROM best ORDER BY order_number
  ON CONFLICT (order_number) DO UPDATE SET ${[...COLUMNS, ...RANK].map((name) => `${name} = excluded.${name}`).join(', ')},
    -- gold is made anew of what is said anew, and not of what is only said again
    tx = CASE WHEN (${of('t', COLUMNS)}) IS DISTINCT FROM (${of('excluded', COLUMNS)}) THEN pg_current_xact_id() ELSE t.tx END
  WHERE (${of('excluded', RANK)}) > (${of('t', RANK)})
  RETURNING tx = pg_current_xact_id() AS changed
), rejected AS (
  INSERT INTO silver.c2c_order_reject AS t (content, order_number, reasons, payload, event_id, received_at)
  SELECT DISTINCT ON (md5(payload::text)) md5(payload::text), order_number, reasons, payload, event_id, received_at
  FROM judged WHERE reasons <> '{}' ORDER BY md5(payload::text), received_at, event_id COLLATE "C"
  ON CONFLICT (content) DO UPDATE SET reasons = excluded.reasons, event_id = excluded.event_id, received_at = excluded.received_at
  WHERE (excluded.received_at, excluded.event_id) < (t.received_at, t.event_id)
  RETURNING 1
), checks AS (
  ${check('form', 'bad_form')} UNION ALL ${check('time', 'bad_time')} UNION ALL ${check('total', 'bad_total')}
  UNION ALL ${check('status', 'bad_status')} UNION ALL ${check('duplicates', 'repeated')}
), results AS (
  INSERT INTO ops.data_quality_result (dataset, check_name, run_at, from_time, to_time, passed, checked, failed, sample)
  SELECT 'c2c_order', check_name, clock_timestamp(), (SELECT min(ts_event) FROM part), (SELECT max(ts_event) FROM part),
    count(reason) = 0, count(*), count(reason),
    coalesce((jsonb_agg(jsonb_build_object('event', event_id, 'order', order_number, 'reason', reason) ORDER BY event_id)
      FILTER (WHERE reason IS NOT NULL AND n <= ${SAMPLE})), '[]')
  FROM (SELECT *, count(reason) OVER (PARTITION BY check_name ORDER BY event_id) AS n FROM checks) c GROUP BY check_name
  ON CONFLICT DO NOTHING
  RETURNING check_name, failed
), fields AS (
  SELECT left(field, 100) AS field, min(event_id) AS event_id, count(*) AS n
  FROM part CROSS JOIN LATERAL jsonb_object_keys(CASE jsonb_typeof(payload) WHEN 'object' THEN payload ELSE '{}' END) AS field
  WHERE field <> ALL (${texts([...FIRST, ...SECOND])}) GROUP BY 1
), reported AS (
  INSERT INTO ops.data_quality_result (dataset, check_name, run_at, from_time, to_time, passed, checked, failed, sample)
  SELECT 'c2c_order', 'unknown_field:' || field, clock_timestamp(), (SELECT min(ts_event) FROM part),
    (SELECT max(ts_event) FROM part), false, (SELECT count(*) FROM part), n,
    jsonb_build_array(jsonb_build_object('event', event_id, 'reason', 'a field that this version does not know'))
  FROM fields WHERE NOT EXISTS (SELECT FROM ops.data_quality_result r
    WHERE r.dataset = 'c2c_order' AND r.check_name = 'unknown_field:' || field)
  ORDER BY field LIMIT greatest(0, ${MAX_FIELDS} - (SELECT count(DISTINCT check_name) FROM ops.data_quality_result
    WHERE dataset = 'c2c_order' AND check_name LIKE 'unknown_field:%'))
)
SELECT (SELECT count(*) FROM part)::int AS rows, (SELECT count(*) FROM written WHERE changed)::int AS orders,
  (SELECT count(*) FROM rejected)::int AS rejects,
  (SELECT coalesce(jsonb_object_agg(check_name, failed), '{}') FROM results WHERE failed > 0) AS failed, last.tx::text AS tx, last.event_id AS id
FROM (VALUES (1)) AS one LEFT JOIN (SELECT tx, event_id FROM part ORDER BY tx DESC, event_id DESC LIMIT 1) last ON true`;
