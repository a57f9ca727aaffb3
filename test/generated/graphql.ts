/* eslint-disable */
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
export type MakeOptional<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]?: Maybe<T[SubKey]> };
export type MakeMaybe<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]: Maybe<T[SubKey]> };
export type MakeEmpty<T extends { [key: string]: unknown }, K extends keyof T> = { [_ in K]?: never };
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** Position in one live stream. Hand the last one you saw back as `after` of the same subscription to continue without gap or duplicate. (The `after: String` of a list query is a page position, another thing.) */
  Cursor: { input: string; output: string; }
  /** Calendar day, ISO 8601, e.g. "2026-03-01"; the time zone is named where it is used. */
  Date: { input: string; output: string; }
  /** Instant, RFC 3339 in UTC with milliseconds, e.g. "2026-03-01T09:30:00.000Z". Input may carry another offset and at most milliseconds. */
  DateTime: { input: string; output: string; }
  /** Exact decimal number carried as a string in plain notation without superfluous zeros, e.g. "67012.34". Never a float. Input may also be a whole number. */
  Decimal: { input: string | number; output: string; }
  /** An object of JSON. Its decimals and ids are strings. */
  JSONObject: { input: Record<string, unknown>; output: Record<string, unknown>; }
};

/** A spread over an interval: of its samples, one a second, of seconds in which both books were there. */
export type ArbitrageBucket = {
  __typename?: 'ArbitrageBucket';
  /** Average of the net spreads, in percent. */
  averageNetPercent: Scalars['Decimal']['output'];
  /** The base asset. */
  base: Scalars['String']['output'];
  /** Where it would be bought. */
  buyExchange: Exchange;
  /** Market of the leg that buys. */
  buySymbol: Scalars['String']['output'];
  /** Length of the bucket. */
  interval: Interval;
  /** Greatest net spread. */
  maxNetPercent: Scalars['Decimal']['output'];
  /** Smallest net spread. */
  minNetPercent: Scalars['Decimal']['output'];
  /** Size, in USDT. */
  notional: Scalars['Decimal']['output'];
  /** First moment of the bucket. */
  openTime: Scalars['DateTime']['output'];
  /** Seconds that are counted; 60 a minute where nothing was missing. */
  samples: Scalars['Int']['output'];
  /** Where it would be sold. */
  sellExchange: Exchange;
  /** Market of the leg that sells. */
  sellSymbol: Scalars['String']['output'];
  /** Standard deviation of the net spreads, of the whole and not of a sample. */
  stddevNetPercent: Scalars['Decimal']['output'];
};

/** One side of a spread, with its working. */
export type ArbitrageLeg = {
  __typename?: 'ArbitrageLeg';
  /** Milliseconds since the book was last heard of, at `time`. */
  ageMs: Scalars['Int']['output'];
  /** Sequence of the book that was walked: `bookSequence` of orderBook at that moment. */
  bookSequence?: Maybe<Scalars['String']['output']>;
  /** Where it would be traded. */
  exchange: Exchange;
  /** Book levels that the price is made of, best first. */
  levels: Array<PriceLevel>;
  /** Average executable price for the size, in the leg's own quote. */
  price: Scalars['Decimal']['output'];
  /** Its market, BASE-QUOTE. */
  symbol: Scalars['String']['output'];
  /** Taker's fee, in percent. */
  takerFeePercent: Scalars['Decimal']['output'];
};

/** What buying a base asset on one exchange and selling it on another would bring, after depth, fees and currency. */
export type ArbitrageSpread = {
  __typename?: 'ArbitrageSpread';
  /** The asset that both legs trade. */
  base: Scalars['String']['output'];
  /** The leg that buys: it walks the asks. */
  buy: ArbitrageLeg;
  /** The coin's price in KRW over its price in USDT, at fxRate, in percent; null unless one leg is in KRW. */
  coinPremiumPercent?: Maybe<Scalars['Decimal']['output']>;
  /** True where nothing stands in the way of trading it. */
  executable: Scalars['Boolean']['output'];
  /** grossPercent - netPercent: what the fees take. */
  feePercent: Scalars['Decimal']['output'];
  /** Whose USDT-KRW book the rate is the middle of: the KRW leg's own exchange unless its rate is old. */
  fxExchange?: Maybe<Exchange>;
  /** KRW per USDT; null only when no leg is quoted in KRW. */
  fxRate?: Maybe<Scalars['Decimal']['output']>;
  /** sell / buy - 1, in percent, both legs walked through their books. */
  grossPercent: Scalars['Decimal']['output'];
  /** base:buy>sell:notional, stable; for normalised client caches. */
  id: Scalars['ID']['output'];
  /** (sell x (1 - sellFee)) / (buy x (1 + buyFee)) - 1, in percent, both legs walked through their books. */
  netPercent: Scalars['Decimal']['output'];
  /** In USDT. */
  netProfit: Scalars['Decimal']['output'];
  /** What stands in the way. */
  notExecutable: Array<NotExecutableReason>;
  /** Size the prices hold for, in USDT; both legs trade the base quantity that the buy leg gets for it. Where a book ends before, the numbers hold for what there is, and THIN_BOOK says so. */
  notional: Scalars['Decimal']['output'];
  /** Base asset that both legs trade. */
  quantity: Scalars['Decimal']['output'];
  /** The leg that sells: it walks the bids. */
  sell: ArbitrageLeg;
  /** When it was worked out. */
  time: Scalars['DateTime']['output'];
  /** fxRate over the reference rate of KRW per USD (REFERENCE_FX), in percent; null where none is set. */
  usdtPremiumPercent?: Maybe<Scalars['Decimal']['output']>;
};

/** A spread that changed. */
export type ArbitrageSpreadEvent = StreamEvent & {
  __typename?: 'ArbitrageSpreadEvent';
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** False once, when a spread that matched the filter no longer does. */
  matches: Scalars['Boolean']['output'];
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** The spread as it is now. */
  spread: ArbitrageSpread;
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
};

/** How an order book is known to be whole. */
export type BookIntegrity =
  /** The exchange's own checksum was met. */
  | 'CHECKSUMMED'
  /** Every change carries the exchange's sequence; none is missing. */
  | 'SEQUENCED'
  /** The exchange sends whole books only; what happened between two is not known. */
  | 'SNAPSHOT_ONLY';

/** Days are of the time zone in the setting C2C_TIME_ZONE (default UTC). */
export type C2cDailyVolume = {
  __typename?: 'C2cDailyVolume';
  /** What was traded of the asset, in completed orders. */
  amount: Scalars['Decimal']['output'];
  /** The crypto asset, e.g. USDT. */
  asset: Scalars['String']['output'];
  /** totalPrice / amount, so weighted by amount; to 8 decimals, halves up. Null where no order is completed. */
  averageUnitPrice?: Maybe<Scalars['Decimal']['output']>;
  /** Those that were cancelled, by whomever. */
  cancelled: Scalars['Int']['output'];
  /** Commission of completed orders, in the asset: the exchange's field `commission`, without `takerCommission`. */
  commission: Scalars['Decimal']['output'];
  /** Those that are completed. */
  completed: Scalars['Int']['output'];
  /** Completed orders in percent of all, also of those still under way. */
  completionPercent: Scalars['Float']['output'];
  /** Counterparties of all the orders, as far as the names that the exchange shows tell them apart. */
  counterparties: Scalars['Int']['output'];
  /** The day on which the orders were made. */
  day: Scalars['Date']['output'];
  /** The currency it was traded for, e.g. VND. */
  fiat: Scalars['String']['output'];
  /** Orders of any status. */
  orders: Scalars['Int']['output'];
  /** What was paid for it, in the currency, in completed orders. */
  totalPrice: Scalars['Decimal']['output'];
  /** The merchant's side. */
  tradeType: C2cTradeType;
};

/** One of the merchant's own C2C (P2P) orders, as the exchange said it last. */
export type C2cOrder = {
  __typename?: 'C2cOrder';
  /** Number of the advertisement that it came of. */
  advNo: Scalars['String']['output'];
  /** MAKER where the advertisement is the merchant’s own, else TAKER. */
  advertisementRole: Scalars['String']['output'];
  /** Quantity of the asset. */
  amount: Scalars['Decimal']['output'];
  /** The crypto asset, e.g. USDT. */
  asset: Scalars['String']['output'];
  /** The exchange's field `commission`, in the asset, without `takerCommission`. */
  commission: Scalars['Decimal']['output'];
  /** Masked unless the caller holds the merchant role. */
  counterPartNickName: Scalars['String']['output'];
  /** When it was made. */
  createTime: Scalars['DateTime']['output'];
  /** The currency, ISO 4217, e.g. VND. */
  fiat: Scalars['String']['output'];
  /** How the exchange writes the currency, e.g. ₫. */
  fiatSymbol: Scalars['String']['output'];
  /** The exchange's number of the order. */
  orderNumber: Scalars['ID']['output'];
  /** Way of payment; null where the exchange did not say it. */
  payMethodName?: Maybe<Scalars['String']['output']>;
  /** The status in the words of the exchange. */
  rawStatus: Scalars['String']['output'];
  /** How far it is. */
  status: C2cOrderStatus;
  /** What it costs in the currency. */
  totalPrice: Scalars['Decimal']['output'];
  /** The merchant's side. */
  tradeType: C2cTradeType;
  /** Price of one unit in the currency. */
  unitPrice: Scalars['Decimal']['output'];
};

/** A page of orders. */
export type C2cOrderConnection = {
  __typename?: 'C2cOrderConnection';
  /** Newest first. */
  nodes: Array<C2cOrder>;
  /** Where the page ends. */
  pageInfo: PageInfo;
  /** Orders on all pages, at this moment. */
  totalCount: Scalars['Int']['output'];
};

/** Which orders; what is left out filters nothing. */
export type C2cOrderFilter = {
  /** Only with this role in the advertisement, e.g. MAKER. */
  advertisementRole?: InputMaybe<Scalars['String']['input']>;
  /** Only of this asset, e.g. USDT. */
  asset?: InputMaybe<Scalars['String']['input']>;
  /** Only in this currency, e.g. VND. */
  fiat?: InputMaybe<Scalars['String']['input']>;
  /** Made at this time or later. */
  from?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only with one of these statuses; UNKNOWN stands for every status that this version does not know. */
  status?: InputMaybe<Array<C2cOrderStatus>>;
  /** Made before this time. */
  to?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only of this side. */
  tradeType?: InputMaybe<C2cTradeType>;
};

/** How far an order is. */
export type C2cOrderStatus =
  /** The buyer says that the payment is made. */
  | 'BUYER_PAYED'
  /** Cancelled by one side. */
  | 'CANCELLED'
  /** Cancelled by the exchange, usually for want of payment. */
  | 'CANCELLED_BY_SYSTEM'
  /** Paid and released. */
  | 'COMPLETED'
  /** The asset is being released. */
  | 'DISTRIBUTING'
  /** One side has appealed to the exchange. */
  | 'IN_APPEAL'
  /** Made and not yet taken up. */
  | 'PENDING'
  /** Waits for the payment. */
  | 'TRADING'
  /** A status that this version does not know; `rawStatus` has it. */
  | 'UNKNOWN';

/** What an asset was bought and sold for in a currency. Amounts and totals are of completed orders; days are of the time zone in the setting C2C_TIME_ZONE. */
export type C2cSummary = {
  __typename?: 'C2cSummary';
  /** The crypto asset, e.g. USDT. */
  asset: Scalars['String']['output'];
  /** buyTotal / buyAmount, to 8 decimals, halves up; null where nothing was bought. */
  averageBuyPrice?: Maybe<Scalars['Decimal']['output']>;
  /** sellTotal / sellAmount, to 8 decimals, halves up; null where nothing was sold. */
  averageSellPrice?: Maybe<Scalars['Decimal']['output']>;
  /** What was bought of the asset. */
  buyAmount: Scalars['Decimal']['output'];
  /** What was paid for it. */
  buyTotal: Scalars['Decimal']['output'];
  /** Commission of completed orders, in the asset: the exchange's field `commission`, without `takerCommission`. */
  commission: Scalars['Decimal']['output'];
  /** The currency, e.g. VND. */
  fiat: Scalars['String']['output'];
  /** Begin of the first day counted: `from` rounded down to a whole day. */
  from: Scalars['DateTime']['output'];
  /** Orders of any status. */
  orders: Scalars['Int']['output'];
  /** What the sales of these days brought less what the sold amounts had cost, by FIFO: each sale consumes the earliest amounts bought before it, on whatever day, and not consumed yet. What is sold beyond them has no known cost and counts neither as revenue nor as cost. Before commission, which is in the asset. */
  realisedMargin: Scalars['Decimal']['output'];
  /** What was sold of the asset. */
  sellAmount: Scalars['Decimal']['output'];
  /** What it was sold for. */
  sellTotal: Scalars['Decimal']['output'];
  /** How much more a unit was sold for than bought, in percent of the price it was bought for, worked out of the totals; to 8 decimals, halves away from zero. Null where one of the two is missing. */
  spreadPercent?: Maybe<Scalars['Decimal']['output']>;
  /** End of the last day counted: `to` rounded up to a whole day. */
  to: Scalars['DateTime']['output'];
};

/** The merchant's side of an order. */
export type C2cTradeType =
  /** The merchant buys the asset. */
  | 'BUY'
  /** The merchant sells the asset. */
  | 'SELL';

/** Merchant orders of one minute, by when the change was committed. A minute in which nothing was created or completed has no row. A change that is known up to 5 minutes late is still counted, with a higher `revision`. Orders that were created or completed while changes were not captured are in no window: a snapshot tells what is, not what has changed. */
export type C2cWindow = {
  __typename?: 'C2cWindow';
  /** Orders that became COMPLETED, among them those that were created so. */
  completed: Scalars['Int']['output'];
  /** Total price of those, in fiat. */
  completedTotalPrice: Scalars['Decimal']['output'];
  /** End of the minute, exclusive. */
  end: Scalars['DateTime']['output'];
  /** The fiat currency, e.g. VND. */
  fiat: Scalars['String']['output'];
  /** Orders that were created. */
  orders: Scalars['Int']['output'];
  /** Grows with every change of this row: of two of one minute, the higher is the later word. */
  revision: Scalars['Int']['output'];
  /** Begin of the minute, inclusive. */
  start: Scalars['DateTime']['output'];
  /** Total price of those, in fiat. */
  totalPrice: Scalars['Decimal']['output'];
  /** The merchant's side. */
  tradeType: C2cTradeType;
};

/** One captured change. */
export type CdcEvent = StreamEvent & {
  __typename?: 'CdcEvent';
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** The change. */
  record: CdcRecord;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
};

/** What a change does to a row or table. */
export type CdcOperation =
  /** A row was inserted. */
  | 'CREATE'
  /** A row was deleted. */
  | 'DELETE'
  /** A row as a snapshot found it: what is, not what changed. */
  | 'READ'
  /** Every row of the table was deleted. */
  | 'TRUNCATE'
  /** A row was changed. A change of its key comes as DELETE and CREATE. */
  | 'UPDATE';

/** One captured change. In rows, decimals and whole numbers past 2^53 are text, instants ISO 8601 in UTC; names of counterparties are masked unless the caller holds the merchant role. */
export type CdcRecord = {
  __typename?: 'CdcRecord';
  /** The row after; null where there is none. */
  after?: Maybe<Scalars['JSONObject']['output']>;
  /** The row before, as far as it is known; null where there was none or nothing is. */
  before?: Maybe<Scalars['JSONObject']['output']>;
  /** Names of the columns that changed; of an UPDATE whose old row is not known, of those that may have. Empty for READ and TRUNCATE. */
  changed: Array<Scalars['String']['output']>;
  /** The same for every delivery of the change. */
  id: Scalars['ID']['output'];
  /** Primary key of the row. Null for TRUNCATE. */
  key?: Maybe<Scalars['JSONObject']['output']>;
  /** Place in the database's log, a whole number as text. Several rows may share it. Null in an incremental snapshot. */
  lsn?: Maybe<Scalars['String']['output']>;
  /** What happened. */
  op: CdcOperation;
  /** Of a change of the key the other one: of its DELETE the new key, of its CREATE the old one. Null for any other change. */
  relatedKey?: Maybe<Scalars['JSONObject']['output']>;
  /** When it was committed; of READ, when it was read. */
  sourceTime: Scalars['DateTime']['output'];
  /** schema.table, e.g. public.c2c_order. */
  table: Scalars['String']['output'];
  /** The transaction: changes with the same one were committed together. */
  txId?: Maybe<Scalars['String']['output']>;
  /** Columns that `after` lacks: the change left them as they were, and their value was not captured. */
  unchanged: Array<Scalars['String']['output']>;
};

/** A page of captured changes. */
export type CdcRecordConnection = {
  __typename?: 'CdcRecordConnection';
  /** Where cdcEvent of the same table continues after these rows. */
  liveCursor: Scalars['Cursor']['output'];
  /** Newest first. */
  nodes: Array<CdcRecord>;
  /** Where the page ends. */
  pageInfo: PageInfo;
};

/** An asset's price in one market at the end of a minute. */
export type CryptoPrice = {
  __typename?: 'CryptoPrice';
  /** The asset, e.g. BTC. */
  base: Scalars['String']['output'];
  /** Where it is traded. */
  exchange: Exchange;
  /** First millisecond of the minute. */
  minute: Scalars['DateTime']['output'];
  /** Last price of the minute in the market's quote asset. */
  price: Scalars['Decimal']['output'];
  /** The same in USDT, at the same minute's price of the quote asset: the venue's own where it has one, else another venue's; null where none is known. */
  priceUsdt?: Maybe<Scalars['Decimal']['output']>;
  /** Canonical symbol BASE-QUOTE, e.g. BTC-KRW. */
  symbol: Scalars['String']['output'];
};

/** What one check of one dataset found in one run. A failing row stays where it is. */
export type DataQualityResult = {
  __typename?: 'DataQualityResult';
  /** What was looked for: ohlc_order, non_negative, monotone_time, clock, duplicates, coverage, price_jump, or refused for rows that never got into the table. Of c2c_order: form, time and total (amount × unit price), which keep an answer out of the table, status, duplicates, and unknown_field:<name>, which is told once for each name. */
  check: Scalars['String']['output'];
  /** Rows looked at; of `coverage` the minutes or holes, of `refused` the refused ones. */
  checked: Scalars['Int']['output'];
  /** What was looked at: a table, e.g. silver.kline_1m; c2c_order are the exchange's answers about C2C orders, upbit_24h_ticker those of Upbit's REST API about its markets. */
  dataset: Scalars['String']['output'];
  /** Rows that failed. */
  failed: Scalars['Int']['output'];
  /** True where no row failed. */
  passed: Scalars['Boolean']['output'];
  /** When it was looked. */
  runAt: Scalars['DateTime']['output'];
  /** Some of those, the earliest first, each with its reason. */
  sample: Array<Scalars['JSONObject']['output']>;
};

/** Where a market is traded. */
export type Exchange =
  /** Binance, spot. */
  | 'BINANCE'
  /** Bithumb. */
  | 'BITHUMB'
  /** KuCoin, spot. */
  | 'KUCOIN'
  /** Upbit. */
  | 'UPBIT';

/** How one feed is doing: exchange, channel and market. */
export type FeedHealth = {
  __typename?: 'FeedHealth';
  /** What it carries: kline, trade, orderbook or ticker. */
  channel: Scalars['String']['output'];
  /** True while its connection is open; false also where nobody speaks for it any more. */
  connected: Scalars['Boolean']['output'];
  /** Where it comes from. */
  exchange: Exchange;
  /** Milliseconds since then. */
  freshnessMs?: Maybe<Scalars['Int']['output']>;
  /** Losses noticed since it was started. */
  gaps: Scalars['Int']['output'];
  /** When the newest event was received, known to the second (of the channel ticker to ten seconds); null before the first. */
  lastEventAt?: Maybe<Scalars['DateTime']['output']>;
  /** Reconnects since it was started. */
  reconnects: Scalars['Int']['output'];
  /** True where its data must be taken for outdated: nothing came for FEED_STALE_MS where something must, or nobody has spoken for it so long. Told at most two seconds later. */
  stale: Scalars['Boolean']['output'];
  /** Its market; null for a feed of the whole exchange. */
  symbol?: Maybe<Scalars['String']['output']>;
};

/** What a feed says of itself. Its stream is that of its exchange. */
export type FeedStatusEvent = StreamEvent & {
  __typename?: 'FeedStatusEvent';
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** How the feed is doing. */
  feed: FeedHealth;
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
};

/** Why events are missing before this one. */
export type GapReason =
  /** Lost before they reached us. */
  | 'FEED_GAP'
  /** Too old to replay. */
  | 'RETENTION'
  /** Dropped by the policy for slow consumers. */
  | 'SLOW'
  /** Merged at the caller's own throttleMs. */
  | 'THROTTLED';

/** Length of a candle. Candles are aligned to the UTC day. */
export type Interval =
  /** One day, UTC. */
  | 'D1'
  /** One hour. */
  | 'H1'
  /** Four hours. */
  | 'H4'
  /** One minute. */
  | 'M1'
  /** Five minutes. */
  | 'M5';

/** A candle: what was traded in one interval. */
export type Kline = {
  __typename?: 'Kline';
  /** Last price. */
  close: Scalars['Decimal']['output'];
  /** Last millisecond of the candle. */
  closeTime: Scalars['DateTime']['output'];
  /** Fraction 0..1 of the interval's minutes that are known; a minute confirmed empty counts as known. A hole is visible, never silently averaged over. */
  coverage: Scalars['Float']['output'];
  /** Where it was traded. */
  exchange: Exchange;
  /** Highest price. */
  high: Scalars['Decimal']['output'];
  /** exchange:symbol:interval:openTime in ms, stable; for normalised client caches. */
  id: Scalars['ID']['output'];
  /** Length of the candle. */
  interval: Interval;
  /** False while the candle is still forming. */
  isClosed: Scalars['Boolean']['output'];
  /** Lowest price. */
  low: Scalars['Decimal']['output'];
  /** First price. */
  open: Scalars['Decimal']['output'];
  /** First millisecond of the candle. */
  openTime: Scalars['DateTime']['output'];
  /** Quote-asset volume. */
  quoteVolume: Scalars['Decimal']['output'];
  /** Canonical symbol BASE-QUOTE, e.g. BTC-USDT. */
  symbol: Scalars['String']['output'];
  /** Number of trades; null where the exchange does not tell. */
  tradeCount?: Maybe<Scalars['Int']['output']>;
  /** Base-asset volume. */
  volume: Scalars['Decimal']['output'];
};

/** A page of candles. */
export type KlineConnection = {
  __typename?: 'KlineConnection';
  /** Where klineUpdated continues after these rows. */
  liveCursor: Scalars['Cursor']['output'];
  /** In the order asked for. */
  nodes: Array<Kline>;
  /** Where the page ends. */
  pageInfo: PageInfo;
};

/** A candle as it forms, and once more when it closes. */
export type KlineEvent = StreamEvent & {
  __typename?: 'KlineEvent';
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** The candle. */
  kline: Kline;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
};

/** One market of one exchange. */
export type Market = {
  __typename?: 'Market';
  /** The asset that is bought and sold, e.g. BTC. */
  base: Scalars['String']['output'];
  /** Where it is traded. */
  exchange: Exchange;
  /** How its feeds are doing. */
  feeds: Array<FeedHealth>;
  /** exchange:symbol, stable; for normalised client caches. */
  id: Scalars['ID']['output'];
  /** Its candles. */
  klines: KlineConnection;
  /** The newest candle, closed or forming. */
  latestKline?: Maybe<Kline>;
  /** Smallest step of a quantity; null where the exchange does not tell it (Upbit, Bithumb). */
  lotSize?: Maybe<Scalars['Decimal']['output']>;
  /** The exchange's own spelling, e.g. BTCUSDT, KRW-BTC. */
  nativeSymbol: Scalars['String']['output'];
  /** Its order book now; null where there is none yet. */
  orderBook?: Maybe<OrderBook>;
  /** The asset that it is paid in, e.g. USDT. */
  quote: Scalars['String']['output'];
  /** What the exchange says of it. */
  status: MarketStatus;
  /** Canonical symbol BASE-QUOTE, e.g. BTC-USDT, on every exchange. */
  symbol: Scalars['String']['output'];
  /** What a taker pays, in percent: TAKER_FEES where that names it, else the lowest tier without discounts. */
  takerFeePercent: Scalars['Decimal']['output'];
  /** Smallest step of a price, on Upbit at the present one; null where the exchange does not tell it (Bithumb). */
  tickSize?: Maybe<Scalars['Decimal']['output']>;
  /** Its last 24 hours in figures; null where none are known. */
  ticker?: Maybe<Ticker>;
  /** Its trades, newest first. */
  trades: TradeConnection;
};


/** One market of one exchange. */
export type MarketKlinesArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  interval?: Interval;
  order?: SortDirection;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/** One market of one exchange. */
export type MarketLatestKlineArgs = {
  interval?: Interval;
};


/** One market of one exchange. */
export type MarketOrderBookArgs = {
  depth?: Scalars['Int']['input'];
};


/** One market of one exchange. */
export type MarketTradesArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};

/** A page of markets. */
export type MarketConnection = {
  __typename?: 'MarketConnection';
  /** By exchange, then symbol. */
  nodes: Array<Market>;
  /** Where the page ends. */
  pageInfo: PageInfo;
};

/** A market. */
export type MarketInput = {
  /** Where the market is traded. */
  exchange: Exchange;
  /** Canonical symbol BASE-QUOTE, e.g. BTC-USDT. */
  symbol: Scalars['String']['input'];
};

/** What the exchange says of a market. */
export type MarketStatus =
  /** No longer traded. */
  | 'DELISTED'
  /** Trading is interrupted. */
  | 'HALTED'
  /** Orders are matched. */
  | 'TRADING'
  /** The exchange says something that this version does not know, or nothing. */
  | 'UNKNOWN';

/** What can be done, over POST or a WebSocket, never by GET. A name that does not exist is refused with BAD_USER_INPUT, a caller whose role does not allow it with FORBIDDEN. */
export type Mutation = {
  __typename?: 'Mutation';
  /** Asks for a run of a pipeline and answers it, QUEUED; one that is queued or under way already is answered instead, and no second one begins. `pipelineRuns` tells what becomes of it. For the role admin. */
  runPipeline: PipelineRun;
};


/** What can be done, over POST or a WebSocket, never by GET. A name that does not exist is refused with BAD_USER_INPUT, a caller whose role does not allow it with FORBIDDEN. */
export type MutationRunPipelineArgs = {
  pipeline: Scalars['String']['input'];
};

/** Why a spread could not be traded now. */
export type NotExecutableReason =
  /** Changes of a book are missing, and a whole one has not come yet. */
  | 'FEED_GAP'
  /** The rate of KRW per USDT has not been heard of for ARBITRAGE_FX_MAX_AGE_MS. */
  | 'STALE_FX'
  /** A book has not been heard of for ARBITRAGE_LEG_MAX_AGE_MS, or nobody works the spread out any more. */
  | 'STALE_LEG'
  /** A book ends before the size is reached. */
  | 'THIN_BOOK';

/** An order book at one moment. */
export type OrderBook = {
  __typename?: 'OrderBook';
  /** Best (lowest) first, at most `depth`. */
  asks: Array<PriceLevel>;
  /** Best (highest) first, at most `depth`. */
  bids: Array<PriceLevel>;
  /** The exchange's own update id, where it has one. */
  bookSequence?: Maybe<Scalars['String']['output']>;
  /** Where it is traded. */
  exchange: Exchange;
  /** (bid volume - ask volume) / (bid volume + ask volume) over the returned levels, -1..1; null for an empty book. */
  imbalance?: Maybe<Scalars['Float']['output']>;
  /** How the book is known to be whole. */
  integrity: BookIntegrity;
  /** Where orderBookUpdated continues from this very state. */
  liveCursor: Scalars['Cursor']['output'];
  /** Half way between the best prices; null where a side is empty. */
  mid?: Maybe<Scalars['Decimal']['output']>;
  /** Distance of the best prices in hundredths of a percent of `mid`. */
  spreadBps?: Maybe<Scalars['Float']['output']>;
  /** Canonical symbol BASE-QUOTE, e.g. BTC-USDT. */
  symbol: Scalars['String']['output'];
  /** When the book was like this, by the exchange's clock. */
  time: Scalars['DateTime']['output'];
  /** Average price to fill `quantity` of base on `side`, over all levels that are kept, whatever `depth` is; null where the book is too thin. */
  vwap?: Maybe<Scalars['Decimal']['output']>;
};


/** An order book at one moment. */
export type OrderBookVwapArgs = {
  quantity: Scalars['Decimal']['input'];
  side: Side;
};

/** A snapshot first, then changes: a quantity of 0 removes the level. */
export type OrderBookEvent = StreamEvent & {
  __typename?: 'OrderBookEvent';
  /** Asks of the snapshot, best first, or changed asks. */
  asks: Array<PriceLevel>;
  /** Bids of the snapshot, best first, or changed bids. */
  bids: Array<PriceLevel>;
  /** CRC-32 (unsigned, decimal) over the best min(10, depth) levels of each side after applying the event: price:quantity joined by commas, bids, a vertical bar, asks; canonical decimals, best first. */
  checksum: Scalars['String']['output'];
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** True where the levels replace everything known before. */
  snapshot: Scalars['Boolean']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
  /** When the book was like this, by the exchange's clock. */
  time: Scalars['DateTime']['output'];
};

/** Where a page ends. */
export type PageInfo = {
  __typename?: 'PageInfo';
  /** Hand it back as `after` of the same list to get the next page; null for an empty page. */
  endCursor?: Maybe<Scalars['String']['output']>;
  /** True where more rows follow in this order. */
  hasNextPage: Scalars['Boolean']['output'];
};

/** A run of a pipeline as a whole, or one attempt at one of its tasks. */
export type PipelineRun = {
  __typename?: 'PipelineRun';
  /** Which attempt at the task, from 1; of a run, how often it was taken up. */
  attempt: Scalars['Int']['output'];
  /** How far a task is, out of `total`. */
  done?: Maybe<Scalars['Int']['output']>;
  /** Why it failed or was left out; of a failure, callers below the role admin are told no more than that. */
  error?: Maybe<Scalars['String']['output']>;
  /** When it ended; null while it is under way. */
  finishedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Of this row. */
  id: Scalars['ID']['output'];
  /** Which pipeline, e.g. daily_batch_processing. */
  pipeline: Scalars['String']['output'];
  /** Rows (pages, objects) read; of a run those of all its tasks. */
  rowsIn?: Maybe<Scalars['Int']['output']>;
  /** Rows written; of a run those of all its tasks. */
  rowsOut?: Maybe<Scalars['Int']['output']>;
  /** The same in all rows of one run. */
  runId: Scalars['ID']['output'];
  /** When it began; of one that is QUEUED, when it was asked for. */
  startedAt: Scalars['DateTime']['output'];
  /** How far it is. */
  status: RunStatus;
  /** Which of its tasks; empty for the run as a whole. */
  task: Scalars['String']['output'];
  /** What `done` will come to; null where that is not known. */
  total?: Maybe<Scalars['Int']['output']>;
};

/** What is on offer at one price. */
export type PriceLevel = {
  __typename?: 'PriceLevel';
  /** Price of one unit of base in quote. */
  price: Scalars['Decimal']['output'];
  /** Quantity of the base asset; in a change, 0 removes the level. */
  quantity: Scalars['Decimal']['output'];
};

/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type Query = {
  __typename?: 'Query';
  /** Averages of spreads, newest first, then by size, exchange and symbol. */
  arbitrageHistory: Array<ArbitrageBucket>;
  /** The newest spreads, greatest net first. One that nobody works out any more is told as STALE_LEG. */
  arbitrageSpreads: Array<ArbitrageSpread>;
  /** Orders by day, asset, currency and side, newest day first, at most 1,000 rows: of the days that the range touches. */
  c2cDailyVolume: Array<C2cDailyVolume>;
  /** One order; null where there is none of this number. */
  c2cOrder?: Maybe<C2cOrder>;
  /** The merchant's own C2C orders, newest first. Rows that arrive between two pages move none of the others. */
  c2cOrders: C2cOrderConnection;
  /** What an asset was bought and sold for in a currency, and what the sales earned, over the days that the range touches; without `from` since the first order, without `to` up to today. */
  c2cSummary: C2cSummary;
  /** Orders created and completed by minute, newest minute first, at most 1,000 rows. */
  c2cWindows: Array<C2cWindow>;
  /** Captured changes of a table, newest first. */
  cdcRecords: CdcRecordConnection;
  /** An asset's price in every market at the end of every minute, newest minute first, then by exchange and symbol. */
  cryptoPrices: Array<CryptoPrice>;
  /** What the checks of the data found: the newest result of each and those that failed, newest first. */
  dataQuality: Array<DataQualityResult>;
  /** How the feeds are doing, by exchange, market and channel. */
  feedHealth: Array<FeedHealth>;
  /** Candles of one market. */
  klines: KlineConnection;
  /** The newest candle, closed or forming; null where there is none. */
  latestKline?: Maybe<Kline>;
  /** One market; null where there is none of that symbol. */
  market?: Maybe<Market>;
  /** Markets by exchange and symbol. */
  markets: MarketConnection;
  /** The order book now; null where there is none yet. */
  orderBook?: Maybe<OrderBook>;
  /** Runs of pipelines and attempts at their tasks, newest first. They are kept for RETENTION_RUNS_DAYS. */
  pipelineRuns: Array<PipelineRun>;
  /** Markets in order of a metric over 24 hours. Left out are those that the metric is not known of, and those without figures for an hour. */
  ranking: Array<RankingEntry>;
  /** 24 h figures of one market; null where none are known. */
  ticker?: Maybe<Ticker>;
  /** A market's days with trend and volatility, newest first, at most 1,000. A row is made within minutes of the minutes that it is made of, and anew when one comes late. */
  tickerDaily: Array<TickerDaily>;
  /** 24 h figures of every market that has any, by exchange and symbol; at most 5,000. */
  tickers: Array<Ticker>;
  /** Trades of one market, newest first. */
  trades: TradeConnection;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryArbitrageHistoryArgs = {
  base: Scalars['String']['input'];
  buy?: InputMaybe<Exchange>;
  first?: Scalars['Int']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  interval?: Interval;
  notional?: InputMaybe<Scalars['Decimal']['input']>;
  sell?: InputMaybe<Exchange>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryArbitrageSpreadsArgs = {
  base?: InputMaybe<Scalars['String']['input']>;
  executableOnly?: Scalars['Boolean']['input'];
  first?: Scalars['Int']['input'];
  minNetPercent?: InputMaybe<Scalars['Decimal']['input']>;
  notional?: InputMaybe<Scalars['Decimal']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryC2cDailyVolumeArgs = {
  asset?: InputMaybe<Scalars['String']['input']>;
  fiat?: InputMaybe<Scalars['String']['input']>;
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  tradeType?: InputMaybe<C2cTradeType>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryC2cOrderArgs = {
  orderNumber: Scalars['ID']['input'];
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryC2cOrdersArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<C2cOrderFilter>;
  first?: Scalars['Int']['input'];
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryC2cSummaryArgs = {
  asset: Scalars['String']['input'];
  fiat: Scalars['String']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryC2cWindowsArgs = {
  fiat?: InputMaybe<Scalars['String']['input']>;
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryCdcRecordsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  op?: InputMaybe<Array<CdcOperation>>;
  table: Scalars['String']['input'];
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryCryptoPricesArgs = {
  base: Scalars['String']['input'];
  first?: Scalars['Int']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryDataQualityArgs = {
  dataset?: InputMaybe<Scalars['String']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryFeedHealthArgs = {
  exchange?: InputMaybe<Exchange>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryKlinesArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  exchange: Exchange;
  first?: Scalars['Int']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  interval?: Interval;
  order?: SortDirection;
  symbol: Scalars['String']['input'];
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryLatestKlineArgs = {
  exchange: Exchange;
  interval?: Interval;
  symbol: Scalars['String']['input'];
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryMarketArgs = {
  exchange: Exchange;
  symbol: Scalars['String']['input'];
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryMarketsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  base?: InputMaybe<Scalars['String']['input']>;
  exchange?: InputMaybe<Exchange>;
  first?: Scalars['Int']['input'];
  quote?: InputMaybe<Scalars['String']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryOrderBookArgs = {
  depth?: Scalars['Int']['input'];
  exchange: Exchange;
  symbol: Scalars['String']['input'];
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryPipelineRunsArgs = {
  first?: Scalars['Int']['input'];
  pipeline?: InputMaybe<Scalars['String']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryRankingArgs = {
  by?: RankingMetric;
  direction?: SortDirection;
  exchange?: InputMaybe<Exchange>;
  first?: Scalars['Int']['input'];
  quote?: InputMaybe<Scalars['String']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryTickerArgs = {
  exchange: Exchange;
  symbol: Scalars['String']['input'];
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryTickerDailyArgs = {
  exchange: Exchange;
  from?: InputMaybe<Scalars['Date']['input']>;
  symbol: Scalars['String']['input'];
  to?: InputMaybe<Scalars['Date']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryTickersArgs = {
  base?: InputMaybe<Scalars['String']['input']>;
  exchange?: InputMaybe<Exchange>;
  quote?: InputMaybe<Scalars['String']['input']>;
};


/** What can be asked. An unusable argument is refused with BAD_USER_INPUT and its name, what would read too much at once with QUERY_TOO_COMPLEX. */
export type QueryTradesArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  exchange: Exchange;
  first?: Scalars['Int']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  symbol: Scalars['String']['input'];
  to?: InputMaybe<Scalars['DateTime']['input']>;
};

/** A market's place in a ranking, and its figures. */
export type RankingEntry = {
  __typename?: 'RankingEntry';
  /** Change of the price over 24 hours, in percent. */
  changePercent: Scalars['Float']['output'];
  /** The market. In an event, only what the exchange says of it: no fields that other data hangs on. */
  market: Market;
  /** Price times circulating supply, in USDT; null where the supply or the price in USDT is not known. Needs a supply table in the settings. */
  marketCap?: Maybe<Scalars['Decimal']['output']>;
  /** Price of the last trade, in the quote asset. */
  price: Scalars['Decimal']['output'];
  /** Traded in 24 hours, in the quote asset. */
  quoteVolume: Scalars['Decimal']['output'];
  /** Place in the list asked for, from 1; equal values are in order of exchange and symbol. */
  rank: Scalars['Int']['output'];
  /** What moment the figures are true for, by the exchange's clock. */
  time: Scalars['DateTime']['output'];
  /** The metric that ranks; QUOTE_VOLUME and MARKET_CAP are in USDT. */
  value: Scalars['Decimal']['output'];
};

/** The ranking now. There is one when a figure of any market has changed, at most one a second. */
export type RankingEvent = StreamEvent & {
  __typename?: 'RankingEvent';
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** In the order asked for, at most `first`. */
  entries: Array<RankingEntry>;
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
};

/** What markets are ranked by, over 24 hours. */
export type RankingMetric =
  /** Change of the price in percent. */
  | 'CHANGE_PERCENT'
  /** Price in USDT times circulating supply. A market whose base is not in the supply table of the settings is left out; without a table, all are. */
  | 'MARKET_CAP'
  /** What was traded, in USDT. KRW is converted at the venue's own price of USDT, else another venue's; any other quote asset at its price in USDT. A market whose quote asset has no known price is left out. */
  | 'QUOTE_VOLUME'
  /** Realised volatility: the root of the sum of the squared logarithmic returns from minute to minute, over the minutes that are known, e.g. 0.031 for 3.1 %. A market with fewer than two is left out. */
  | 'VOLATILITY';

/** How far a run of a pipeline, or one of its tasks, is. */
export type RunStatus =
  /** Given up, or this attempt failed and another one follows; `error` says why. */
  | 'FAILED'
  /** Asked for; a process takes it up within a second or two. */
  | 'QUEUED'
  /** Under way. One whose process died is taken up by another within half a minute. */
  | 'RUNNING'
  /** Left out: a task that it needs failed, or the settings do not allow it; `error` says which. */
  | 'SKIPPED'
  /** Done. */
  | 'SUCCEEDED';

/** Direction of a trade or an order. */
export type Side =
  /** Buys the base asset. */
  | 'BUY'
  /** Sells the base asset. */
  | 'SELL';

/** What happens when a subscriber reads slower than events arrive. Nothing is ever dropped without `gap` saying so. */
export type SlowConsumerPolicy =
  /** Events about the same thing are merged, the newest wins; `gap` counts those it stands for. Closed candles and trades are never merged: where nothing else is left to give way, it is as DISCONNECT. */
  | 'CONFLATE'
  /** The subscription ends with the error SLOW_CONSUMER and the cursor to go on from. */
  | 'DISCONNECT'
  /** The oldest waiting events are dropped and counted in `gap`. A change of an order book takes in the ones dropped before it. */
  | 'DROP_WITH_GAP';

/** Order of a list. */
export type SortDirection =
  /** Smallest or oldest first. */
  | 'ASC'
  /** Greatest or newest first. */
  | 'DESC';

/** `sequence` grows by exactly 1 from event to event of a stream (filters and policies apart). */
export type StreamEvent = {
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
};

/** Events that this subscriber did not get, told on the next event that it does get. */
export type StreamGap = {
  __typename?: 'StreamGap';
  /** How many; null where the number cannot be known. */
  missed?: Maybe<Scalars['Int']['output']>;
  /** Why they are missing. */
  reason: GapReason;
};

/** How a subscription came to its first event. */
export type StreamStart =
  /** Joined at now. */
  | 'LIVE'
  /** What came before is lost or too old to replay; the event is a fresh snapshot. */
  | 'RESET'
  /** Everything since `after` was replayed. */
  | 'RESUMED';

/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type Subscription = {
  __typename?: 'Subscription';
  /** Spreads as they change, at most every 100 ms each. A filter is looked up, not tried: what it leaves out costs nothing. */
  arbitrageSpreadUpdated: ArbitrageSpreadEvent;
  /** Every change of a table from now on, complete: who reads too slowly is told so and goes on from its cursor. Changes of a row come in the order in which they were committed. A change that could not be read is kept in the dead letters and is not in the stream; operators are alarmed. */
  cdcEvent: CdcEvent;
  /** What the feeds say of themselves from now on: every ten seconds, and whenever it changes. An event is one feed of one exchange; `cursor` and `sequence` are those of its exchange. */
  feedStatusUpdated: FeedStatusEvent;
  /** The newest candle, then each change of it and the ones that follow. */
  klineUpdated: KlineEvent;
  /** The order book, then what changes in its best `depth` levels. */
  orderBookUpdated: OrderBookEvent;
  /** A ranking now, then anew when figures have changed, at most once a second. */
  rankingUpdated: RankingEvent;
  /** 24 h figures of one market, now and with each change. */
  tickerUpdated: TickerEvent;
  /** 24 h figures of many markets in one subscription, from now on: each market's, then each change. An event is one market's; `cursor` and `sequence` are those that tickerUpdated has for it. */
  tickersUpdated: TickerEvent;
  /** Every trade from now on. */
  tradeExecuted: TradeEvent;
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionArbitrageSpreadUpdatedArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  base?: InputMaybe<Scalars['String']['input']>;
  executableOnly?: Scalars['Boolean']['input'];
  minNetPercent?: InputMaybe<Scalars['Decimal']['input']>;
  notional?: InputMaybe<Scalars['Decimal']['input']>;
  onSlow?: SlowConsumerPolicy;
  throttleMs?: Scalars['Int']['input'];
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionCdcEventArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  onSlow?: SlowConsumerPolicy;
  op?: InputMaybe<Array<CdcOperation>>;
  table: Scalars['String']['input'];
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionFeedStatusUpdatedArgs = {
  exchange?: InputMaybe<Exchange>;
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionKlineUpdatedArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  exchange: Exchange;
  interval?: Interval;
  onSlow?: SlowConsumerPolicy;
  symbol: Scalars['String']['input'];
  throttleMs?: Scalars['Int']['input'];
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionOrderBookUpdatedArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  depth?: Scalars['Int']['input'];
  exchange: Exchange;
  onSlow?: SlowConsumerPolicy;
  symbol: Scalars['String']['input'];
  throttleMs?: Scalars['Int']['input'];
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionRankingUpdatedArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  by?: RankingMetric;
  direction?: SortDirection;
  exchange?: InputMaybe<Exchange>;
  first?: Scalars['Int']['input'];
  quote?: InputMaybe<Scalars['String']['input']>;
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionTickerUpdatedArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  exchange: Exchange;
  onSlow?: SlowConsumerPolicy;
  symbol: Scalars['String']['input'];
  throttleMs?: Scalars['Int']['input'];
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionTickersUpdatedArgs = {
  markets: Array<MarketInput>;
  onSlow?: SlowConsumerPolicy;
  throttleMs?: Scalars['Int']['input'];
};


/** What can be followed. Every event carries the cursor of its place in the stream; what a subscriber missed, it is told. */
export type SubscriptionTradeExecutedArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  exchange: Exchange;
  onSlow?: SlowConsumerPolicy;
  symbol: Scalars['String']['input'];
};

/** The last 24 hours of a market in figures, made of its own minutes; where fewer than 24 hours of them are known, of those that are. */
export type Ticker = {
  __typename?: 'Ticker';
  /** Change of the price in percent. */
  changePercent24h: Scalars['Float']['output'];
  /** Fraction, 0 to 1, of the minutes of these 24 hours that are known: below 1 after an outage that is not made good yet, or where the market is younger. Null where the figures come from the table. */
  coverage?: Maybe<Scalars['Float']['output']>;
  /** Where it is traded. */
  exchange: Exchange;
  /** Highest price. */
  high: Scalars['Decimal']['output'];
  /** Price of the newest trade. */
  last: Scalars['Decimal']['output'];
  /** Lowest price. */
  low: Scalars['Decimal']['output'];
  /** Price 24 hours ago, or at the first minute known since. */
  open: Scalars['Decimal']['output'];
  /** Traded volume in the quote asset. */
  quoteVolume24h: Scalars['Decimal']['output'];
  /** Canonical symbol BASE-QUOTE, e.g. BTC-USDT. */
  symbol: Scalars['String']['output'];
  /** What moment the figures are true for, by the exchange's clock. */
  time: Scalars['DateTime']['output'];
  /** Traded volume in the base asset. */
  volume24h: Scalars['Decimal']['output'];
};

/** One market's day, UTC: trend and volatility. */
export type TickerDaily = {
  __typename?: 'TickerDaily';
  /** Change from the first price to the last, in percent. */
  changePercent: Scalars['Float']['output'];
  /** Last price. */
  close: Scalars['Decimal']['output'];
  /** Fraction 0..1 of the day's minutes that are known; while it lasts, of those that have begun. A hole is visible, never silently averaged over. */
  coverage: Scalars['Float']['output'];
  /** The day, UTC. */
  day: Scalars['Date']['output'];
  /** Where it was traded. */
  exchange: Exchange;
  /** Highest price. */
  high: Scalars['Decimal']['output'];
  /** False while the day lasts. */
  isClosed: Scalars['Boolean']['output'];
  /** Lowest price. */
  low: Scalars['Decimal']['output'];
  /** First price. */
  open: Scalars['Decimal']['output'];
  /** Traded volume in the quote asset. */
  quoteVolume: Scalars['Decimal']['output'];
  /** Canonical symbol BASE-QUOTE, e.g. BTC-USDT. */
  symbol: Scalars['String']['output'];
  /** Slope of the least-squares line through the logarithm of the minutes' closing prices, per day: 0.02 is a growth of about 2 % a day; null where fewer than two minutes are known. */
  trend?: Maybe<Scalars['Float']['output']>;
  /** Realised volatility of the day: the root of the sum of the squared logarithmic returns from minute to minute, e.g. 0.031 for 3.1 %; null where fewer than two minutes are known. */
  volatility?: Maybe<Scalars['Float']['output']>;
};

/** New 24 h figures. */
export type TickerEvent = StreamEvent & {
  __typename?: 'TickerEvent';
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
  /** The figures. */
  ticker: Ticker;
};

/** One executed trade. */
export type Trade = {
  __typename?: 'Trade';
  /** Where it was traded. */
  exchange: Exchange;
  /** exchange:symbol:tradeId, stable; for normalised client caches. */
  id: Scalars['ID']['output'];
  /** Price of one unit of base in quote. */
  price: Scalars['Decimal']['output'];
  /** Quantity of the base asset. */
  quantity: Scalars['Decimal']['output'];
  /** Side of the taker. */
  side: Side;
  /** Canonical symbol BASE-QUOTE, e.g. BTC-USDT. */
  symbol: Scalars['String']['output'];
  /** When it was executed, by the exchange's clock. */
  time: Scalars['DateTime']['output'];
  /** The exchange's own id of the trade, as text. */
  tradeId: Scalars['String']['output'];
};

/** A page of trades. */
export type TradeConnection = {
  __typename?: 'TradeConnection';
  /** Where tradeExecuted continues after these rows. */
  liveCursor: Scalars['Cursor']['output'];
  /** Newest first. */
  nodes: Array<Trade>;
  /** Where the page ends. */
  pageInfo: PageInfo;
};

/** One trade as it happened. */
export type TradeEvent = StreamEvent & {
  __typename?: 'TradeEvent';
  /** Position of this event in its stream. */
  cursor: Scalars['Cursor']['output'];
  /** What is missing before this event; null where nothing is. */
  gap?: Maybe<StreamGap>;
  /** Number of this event in its stream, a whole number as text. */
  sequence: Scalars['String']['output'];
  /** On the first event of a subscription, and on a fresh snapshot after a loss; else null. */
  start?: Maybe<StreamStart>;
  /** The trade. */
  trade: Trade;
};

export type SpreadPartsFragment = { __typename?: 'ArbitrageSpread', id: string, base: string, notional: string, quantity: string, grossPercent: string, feePercent: string, netPercent: string, netProfit: string, fxRate?: string | null, fxExchange?: Exchange | null, coinPremiumPercent?: string | null, usdtPremiumPercent?: string | null, executable: boolean, notExecutable: Array<NotExecutableReason>, time: string, buy: { __typename?: 'ArbitrageLeg', exchange: Exchange, symbol: string, price: string, bookSequence?: string | null, takerFeePercent: string, ageMs: number, levels: Array<{ __typename?: 'PriceLevel', price: string, quantity: string }> }, sell: { __typename?: 'ArbitrageLeg', exchange: Exchange, symbol: string, price: string } };

export type ArbitrageSpreadsQueryVariables = Exact<{
  base?: InputMaybe<Scalars['String']['input']>;
  notional?: InputMaybe<Scalars['Decimal']['input']>;
  minNetPercent?: InputMaybe<Scalars['Decimal']['input']>;
  executableOnly: Scalars['Boolean']['input'];
  first: Scalars['Int']['input'];
}>;


export type ArbitrageSpreadsQuery = { __typename?: 'Query', arbitrageSpreads: Array<{ __typename?: 'ArbitrageSpread', id: string, base: string, notional: string, quantity: string, grossPercent: string, feePercent: string, netPercent: string, netProfit: string, fxRate?: string | null, fxExchange?: Exchange | null, coinPremiumPercent?: string | null, usdtPremiumPercent?: string | null, executable: boolean, notExecutable: Array<NotExecutableReason>, time: string, buy: { __typename?: 'ArbitrageLeg', exchange: Exchange, symbol: string, price: string, bookSequence?: string | null, takerFeePercent: string, ageMs: number, levels: Array<{ __typename?: 'PriceLevel', price: string, quantity: string }> }, sell: { __typename?: 'ArbitrageLeg', exchange: Exchange, symbol: string, price: string } }> };

export type ArbitrageHistoryQueryVariables = Exact<{
  base: Scalars['String']['input'];
  notional?: InputMaybe<Scalars['Decimal']['input']>;
  buy?: InputMaybe<Exchange>;
  sell?: InputMaybe<Exchange>;
  interval: Interval;
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  first: Scalars['Int']['input'];
}>;


export type ArbitrageHistoryQuery = { __typename?: 'Query', arbitrageHistory: Array<{ __typename?: 'ArbitrageBucket', base: string, notional: string, buyExchange: Exchange, sellExchange: Exchange, openTime: string, interval: Interval, averageNetPercent: string, minNetPercent: string, maxNetPercent: string, stddevNetPercent: string, samples: number }> };

export type ArbitrageSpreadUpdatedSubscriptionVariables = Exact<{
  base?: InputMaybe<Scalars['String']['input']>;
  notional?: InputMaybe<Scalars['Decimal']['input']>;
  minNetPercent?: InputMaybe<Scalars['Decimal']['input']>;
  executableOnly: Scalars['Boolean']['input'];
  after?: InputMaybe<Scalars['Cursor']['input']>;
}>;


export type ArbitrageSpreadUpdatedSubscription = { __typename?: 'Subscription', arbitrageSpreadUpdated: { __typename?: 'ArbitrageSpreadEvent', cursor: string, sequence: string, start?: StreamStart | null, matches: boolean, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, spread: { __typename?: 'ArbitrageSpread', id: string, netPercent: string, executable: boolean } } };

export type C2cOrdersQueryVariables = Exact<{
  filter?: InputMaybe<C2cOrderFilter>;
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
}>;


export type C2cOrdersQuery = { __typename?: 'Query', c2cOrders: { __typename?: 'C2cOrderConnection', totalCount: number, nodes: Array<{ __typename?: 'C2cOrder', orderNumber: string, advNo: string, tradeType: C2cTradeType, asset: string, fiat: string, fiatSymbol: string, amount: string, totalPrice: string, unitPrice: string, status: C2cOrderStatus, rawStatus: string, createTime: string, commission: string, advertisementRole: string, payMethodName?: string | null, counterPartNickName: string }>, pageInfo: { __typename?: 'PageInfo', hasNextPage: boolean, endCursor?: string | null } } };

export type C2cOrderQueryVariables = Exact<{
  orderNumber: Scalars['ID']['input'];
}>;


export type C2cOrderQuery = { __typename?: 'Query', c2cOrder?: { __typename?: 'C2cOrder', orderNumber: string, advNo: string, tradeType: C2cTradeType, asset: string, fiat: string, fiatSymbol: string, amount: string, totalPrice: string, unitPrice: string, status: C2cOrderStatus, rawStatus: string, createTime: string, commission: string, advertisementRole: string, payMethodName?: string | null, counterPartNickName: string } | null };

export type C2cOrderFieldsFragment = { __typename?: 'C2cOrder', orderNumber: string, advNo: string, tradeType: C2cTradeType, asset: string, fiat: string, fiatSymbol: string, amount: string, totalPrice: string, unitPrice: string, status: C2cOrderStatus, rawStatus: string, createTime: string, commission: string, advertisementRole: string, payMethodName?: string | null, counterPartNickName: string };

export type C2cDailyVolumeQueryVariables = Exact<{
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  asset?: InputMaybe<Scalars['String']['input']>;
  fiat?: InputMaybe<Scalars['String']['input']>;
  tradeType?: InputMaybe<C2cTradeType>;
}>;


export type C2cDailyVolumeQuery = { __typename?: 'Query', c2cDailyVolume: Array<{ __typename?: 'C2cDailyVolume', day: string, asset: string, fiat: string, tradeType: C2cTradeType, orders: number, completed: number, cancelled: number, amount: string, totalPrice: string, averageUnitPrice?: string | null, commission: string, counterparties: number, completionPercent: number }> };

export type C2cSummaryQueryVariables = Exact<{
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  asset: Scalars['String']['input'];
  fiat: Scalars['String']['input'];
}>;


export type C2cSummaryQuery = { __typename?: 'Query', c2cSummary: { __typename?: 'C2cSummary', from: string, to: string, fiat: string, asset: string, buyAmount: string, buyTotal: string, sellAmount: string, sellTotal: string, averageBuyPrice?: string | null, averageSellPrice?: string | null, spreadPercent?: string | null, realisedMargin: string, commission: string, orders: number } };

export type ChangeFieldsFragment = { __typename?: 'CdcRecord', id: string, table: string, op: CdcOperation, key?: Record<string, unknown> | null, relatedKey?: Record<string, unknown> | null, before?: Record<string, unknown> | null, after?: Record<string, unknown> | null, changed: Array<string>, unchanged: Array<string>, lsn?: string | null, txId?: string | null, sourceTime: string };

export type CdcRecordsQueryVariables = Exact<{
  table: Scalars['String']['input'];
  op?: InputMaybe<Array<CdcOperation> | CdcOperation>;
  first: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
}>;


export type CdcRecordsQuery = { __typename?: 'Query', cdcRecords: { __typename?: 'CdcRecordConnection', liveCursor: string, nodes: Array<{ __typename?: 'CdcRecord', id: string, table: string, op: CdcOperation, key?: Record<string, unknown> | null, relatedKey?: Record<string, unknown> | null, before?: Record<string, unknown> | null, after?: Record<string, unknown> | null, changed: Array<string>, unchanged: Array<string>, lsn?: string | null, txId?: string | null, sourceTime: string }>, pageInfo: { __typename?: 'PageInfo', hasNextPage: boolean, endCursor?: string | null } } };

export type CdcEventSubscriptionVariables = Exact<{
  table: Scalars['String']['input'];
  op?: InputMaybe<Array<CdcOperation> | CdcOperation>;
  after?: InputMaybe<Scalars['Cursor']['input']>;
  onSlow?: SlowConsumerPolicy;
}>;


export type CdcEventSubscription = { __typename?: 'Subscription', cdcEvent: { __typename?: 'CdcEvent', cursor: string, sequence: string, start?: StreamStart | null, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, record: { __typename?: 'CdcRecord', id: string, table: string, op: CdcOperation, key?: Record<string, unknown> | null, relatedKey?: Record<string, unknown> | null, before?: Record<string, unknown> | null, after?: Record<string, unknown> | null, changed: Array<string>, unchanged: Array<string>, lsn?: string | null, txId?: string | null, sourceTime: string } } };

export type C2cWindowsQueryVariables = Exact<{
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  fiat?: InputMaybe<Scalars['String']['input']>;
}>;


export type C2cWindowsQuery = { __typename?: 'Query', c2cWindows: Array<{ __typename?: 'C2cWindow', start: string, end: string, fiat: string, tradeType: C2cTradeType, orders: number, totalPrice: string, completed: number, completedTotalPrice: string, revision: number }> };

export type CryptoPricesQueryVariables = Exact<{
  base: Scalars['String']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  first: Scalars['Int']['input'];
}>;


export type CryptoPricesQuery = { __typename?: 'Query', cryptoPrices: Array<{ __typename?: 'CryptoPrice', base: string, exchange: Exchange, symbol: string, minute: string, price: string, priceUsdt?: string | null }> };

export type DataQualityQueryVariables = Exact<{
  dataset?: InputMaybe<Scalars['String']['input']>;
}>;


export type DataQualityQuery = { __typename?: 'Query', dataQuality: Array<{ __typename?: 'DataQualityResult', dataset: string, check: string, passed: boolean, checked: number, failed: number, sample: Array<Record<string, unknown>>, runAt: string }> };

export type FeedHealthQueryVariables = Exact<{
  exchange?: InputMaybe<Exchange>;
}>;


export type FeedHealthQuery = { __typename?: 'Query', feedHealth: Array<{ __typename?: 'FeedHealth', exchange: Exchange, symbol?: string | null, channel: string, connected: boolean, lastEventAt?: string | null, freshnessMs?: number | null, stale: boolean, gaps: number, reconnects: number }> };

export type FeedStatusUpdatedSubscriptionVariables = Exact<{
  exchange?: InputMaybe<Exchange>;
}>;


export type FeedStatusUpdatedSubscription = { __typename?: 'Subscription', feedStatusUpdated: { __typename?: 'FeedStatusEvent', cursor: string, sequence: string, start?: StreamStart | null, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, feed: { __typename?: 'FeedHealth', exchange: Exchange, symbol?: string | null, channel: string, connected: boolean, stale: boolean } } };

export type KlinesQueryVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
  interval?: Interval;
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  order?: SortDirection;
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
}>;


export type KlinesQuery = { __typename?: 'Query', klines: { __typename?: 'KlineConnection', liveCursor: string, nodes: Array<{ __typename?: 'Kline', id: string, interval: Interval, openTime: string, closeTime: string, open: string, high: string, low: string, close: string, volume: string, quoteVolume: string, tradeCount?: number | null, isClosed: boolean, coverage: number }>, pageInfo: { __typename?: 'PageInfo', hasNextPage: boolean, endCursor?: string | null } } };

export type LatestKlineQueryVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
  interval?: Interval;
}>;


export type LatestKlineQuery = { __typename?: 'Query', latestKline?: { __typename?: 'Kline', id: string, openTime: string, close: string, isClosed: boolean } | null };

export type KlineUpdatedSubscriptionVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
  interval?: Interval;
}>;


export type KlineUpdatedSubscription = { __typename?: 'Subscription', klineUpdated: { __typename?: 'KlineEvent', cursor: string, sequence: string, start?: StreamStart | null, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, kline: { __typename?: 'Kline', openTime: string, close: string, volume: string, isClosed: boolean } } };

export type MarketsQueryVariables = Exact<{
  exchange?: InputMaybe<Exchange>;
  base?: InputMaybe<Scalars['String']['input']>;
  quote?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
}>;


export type MarketsQuery = { __typename?: 'Query', markets: { __typename?: 'MarketConnection', nodes: Array<{ __typename?: 'Market', id: string, exchange: Exchange, symbol: string, nativeSymbol: string, base: string, quote: string, status: MarketStatus, tickSize?: string | null, lotSize?: string | null, takerFeePercent: string }>, pageInfo: { __typename?: 'PageInfo', hasNextPage: boolean, endCursor?: string | null } } };

export type MarketOverviewQueryVariables = Exact<{
  first?: Scalars['Int']['input'];
  interval?: Interval;
}>;


export type MarketOverviewQuery = { __typename?: 'Query', markets: { __typename?: 'MarketConnection', nodes: Array<{ __typename?: 'Market', id: string, latestKline?: { __typename?: 'Kline', close: string, isClosed: boolean } | null, ticker?: { __typename?: 'Ticker', last: string, changePercent24h: number } | null }> } };

export type MarketQueryVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
}>;


export type MarketQuery = { __typename?: 'Query', market?: { __typename?: 'Market', id: string, status: MarketStatus } | null };

export type OrderBookQueryVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
  depth?: Scalars['Int']['input'];
  side?: Side;
  quantity?: Scalars['Decimal']['input'];
}>;


export type OrderBookQuery = { __typename?: 'Query', orderBook?: { __typename?: 'OrderBook', mid?: string | null, spreadBps?: number | null, imbalance?: number | null, vwap?: string | null, bookSequence?: string | null, integrity: BookIntegrity, time: string, liveCursor: string, bids: Array<{ __typename?: 'PriceLevel', price: string, quantity: string }>, asks: Array<{ __typename?: 'PriceLevel', price: string, quantity: string }> } | null };

export type OrderBookUpdatedSubscriptionVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
  depth?: Scalars['Int']['input'];
}>;


export type OrderBookUpdatedSubscription = { __typename?: 'Subscription', orderBookUpdated: { __typename?: 'OrderBookEvent', cursor: string, sequence: string, start?: StreamStart | null, snapshot: boolean, checksum: string, time: string, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, bids: Array<{ __typename?: 'PriceLevel', price: string, quantity: string }>, asks: Array<{ __typename?: 'PriceLevel', price: string, quantity: string }> } };

export type PipelineRunsQueryVariables = Exact<{
  pipeline?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
}>;


export type PipelineRunsQuery = { __typename?: 'Query', pipelineRuns: Array<{ __typename?: 'PipelineRun', id: string, runId: string, pipeline: string, task: string, status: RunStatus, startedAt: string, finishedAt?: string | null, rowsIn?: number | null, rowsOut?: number | null, done?: number | null, total?: number | null, error?: string | null, attempt: number }> };

export type RunPipelineMutationVariables = Exact<{
  pipeline: Scalars['String']['input'];
}>;


export type RunPipelineMutation = { __typename?: 'Mutation', runPipeline: { __typename?: 'PipelineRun', id: string, runId: string, pipeline: string, task: string, status: RunStatus, startedAt: string, finishedAt?: string | null, rowsIn?: number | null, rowsOut?: number | null, error?: string | null, attempt: number } };

export type RankingQueryVariables = Exact<{
  by: RankingMetric;
  direction: SortDirection;
  exchange?: InputMaybe<Exchange>;
  quote?: InputMaybe<Scalars['String']['input']>;
  first: Scalars['Int']['input'];
}>;


export type RankingQuery = { __typename?: 'Query', ranking: Array<{ __typename?: 'RankingEntry', rank: number, value: string, price: string, changePercent: number, quoteVolume: string, marketCap?: string | null, time: string, market: { __typename?: 'Market', id: string, status: MarketStatus, ticker?: { __typename?: 'Ticker', last: string } | null } }> };

export type RankingUpdatedSubscriptionVariables = Exact<{
  by: RankingMetric;
  direction: SortDirection;
  exchange?: InputMaybe<Exchange>;
  quote?: InputMaybe<Scalars['String']['input']>;
  first: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['Cursor']['input']>;
}>;


export type RankingUpdatedSubscription = { __typename?: 'Subscription', rankingUpdated: { __typename?: 'RankingEvent', cursor: string, sequence: string, start?: StreamStart | null, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, entries: Array<{ __typename?: 'RankingEntry', rank: number, value: string, market: { __typename?: 'Market', id: string, nativeSymbol: string, takerFeePercent: string } }> } };

export type TickerDailyQueryVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
  from?: InputMaybe<Scalars['Date']['input']>;
  to?: InputMaybe<Scalars['Date']['input']>;
}>;


export type TickerDailyQuery = { __typename?: 'Query', tickerDaily: Array<{ __typename?: 'TickerDaily', day: string, open: string, high: string, low: string, close: string, quoteVolume: string, changePercent: number, volatility?: number | null, trend?: number | null, coverage: number, isClosed: boolean }> };

export type TickerQueryVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
}>;


export type TickerQuery = { __typename?: 'Query', ticker?: { __typename?: 'Ticker', last: string, open: string, high: string, low: string, volume24h: string, quoteVolume24h: string, changePercent24h: number, coverage?: number | null, time: string } | null };

export type TickersQueryVariables = Exact<{
  exchange?: InputMaybe<Exchange>;
  base?: InputMaybe<Scalars['String']['input']>;
  quote?: InputMaybe<Scalars['String']['input']>;
}>;


export type TickersQuery = { __typename?: 'Query', tickers: Array<{ __typename?: 'Ticker', exchange: Exchange, symbol: string, last: string }> };

export type TickerUpdatedSubscriptionVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
}>;


export type TickerUpdatedSubscription = { __typename?: 'Subscription', tickerUpdated: { __typename?: 'TickerEvent', cursor: string, sequence: string, start?: StreamStart | null, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, ticker: { __typename?: 'Ticker', last: string, time: string } } };

export type TickersUpdatedSubscriptionVariables = Exact<{
  markets: Array<MarketInput> | MarketInput;
  throttleMs?: Scalars['Int']['input'];
  onSlow?: SlowConsumerPolicy;
}>;


export type TickersUpdatedSubscription = { __typename?: 'Subscription', tickersUpdated: { __typename?: 'TickerEvent', cursor: string, sequence: string, start?: StreamStart | null, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, ticker: { __typename?: 'Ticker', exchange: Exchange, symbol: string, last: string } } };

export type TradesQueryVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
  first?: Scalars['Int']['input'];
  after?: InputMaybe<Scalars['String']['input']>;
}>;


export type TradesQuery = { __typename?: 'Query', trades: { __typename?: 'TradeConnection', liveCursor: string, nodes: Array<{ __typename?: 'Trade', id: string, tradeId: string, price: string, quantity: string, side: Side, time: string }>, pageInfo: { __typename?: 'PageInfo', hasNextPage: boolean, endCursor?: string | null } } };

export type TradeExecutedSubscriptionVariables = Exact<{
  exchange: Exchange;
  symbol: Scalars['String']['input'];
}>;


export type TradeExecutedSubscription = { __typename?: 'Subscription', tradeExecuted: { __typename?: 'TradeEvent', cursor: string, sequence: string, start?: StreamStart | null, gap?: { __typename?: 'StreamGap', missed?: number | null, reason: GapReason } | null, trade: { __typename?: 'Trade', tradeId: string, price: string, quantity: string, side: Side, time: string } } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const SpreadPartsFragmentDoc = new TypedDocumentString(`
    fragment SpreadParts on ArbitrageSpread {
  id
  base
  notional
  quantity
  grossPercent
  feePercent
  netPercent
  netProfit
  fxRate
  fxExchange
  coinPremiumPercent
  usdtPremiumPercent
  executable
  notExecutable
  time
  buy {
    exchange
    symbol
    price
    bookSequence
    takerFeePercent
    ageMs
    levels {
      price
      quantity
    }
  }
  sell {
    exchange
    symbol
    price
  }
}
    `, {"fragmentName":"SpreadParts"}) as unknown as TypedDocumentString<SpreadPartsFragment, unknown>;
export const C2cOrderFieldsFragmentDoc = new TypedDocumentString(`
    fragment C2cOrderFields on C2cOrder {
  orderNumber
  advNo
  tradeType
  asset
  fiat
  fiatSymbol
  amount
  totalPrice
  unitPrice
  status
  rawStatus
  createTime
  commission
  advertisementRole
  payMethodName
  counterPartNickName
}
    `, {"fragmentName":"C2cOrderFields"}) as unknown as TypedDocumentString<C2cOrderFieldsFragment, unknown>;
export const ChangeFieldsFragmentDoc = new TypedDocumentString(`
    fragment ChangeFields on CdcRecord {
  id
  table
  op
  key
  relatedKey
  before
  after
  changed
  unchanged
  lsn
  txId
  sourceTime
}
    `, {"fragmentName":"ChangeFields"}) as unknown as TypedDocumentString<ChangeFieldsFragment, unknown>;
export const ArbitrageSpreadsDocument = new TypedDocumentString(`
    query ArbitrageSpreads($base: String, $notional: Decimal, $minNetPercent: Decimal, $executableOnly: Boolean!, $first: Int!) {
  arbitrageSpreads(
    base: $base
    notional: $notional
    minNetPercent: $minNetPercent
    executableOnly: $executableOnly
    first: $first
  ) {
    ...SpreadParts
  }
}
    fragment SpreadParts on ArbitrageSpread {
  id
  base
  notional
  quantity
  grossPercent
  feePercent
  netPercent
  netProfit
  fxRate
  fxExchange
  coinPremiumPercent
  usdtPremiumPercent
  executable
  notExecutable
  time
  buy {
    exchange
    symbol
    price
    bookSequence
    takerFeePercent
    ageMs
    levels {
      price
      quantity
    }
  }
  sell {
    exchange
    symbol
    price
  }
}`) as unknown as TypedDocumentString<ArbitrageSpreadsQuery, ArbitrageSpreadsQueryVariables>;
export const ArbitrageHistoryDocument = new TypedDocumentString(`
    query ArbitrageHistory($base: String!, $notional: Decimal, $buy: Exchange, $sell: Exchange, $interval: Interval!, $from: DateTime, $to: DateTime, $first: Int!) {
  arbitrageHistory(
    base: $base
    notional: $notional
    buy: $buy
    sell: $sell
    interval: $interval
    from: $from
    to: $to
    first: $first
  ) {
    base
    notional
    buyExchange
    sellExchange
    openTime
    interval
    averageNetPercent
    minNetPercent
    maxNetPercent
    stddevNetPercent
    samples
  }
}
    `) as unknown as TypedDocumentString<ArbitrageHistoryQuery, ArbitrageHistoryQueryVariables>;
export const ArbitrageSpreadUpdatedDocument = new TypedDocumentString(`
    subscription ArbitrageSpreadUpdated($base: String, $notional: Decimal, $minNetPercent: Decimal, $executableOnly: Boolean!, $after: Cursor) {
  arbitrageSpreadUpdated(
    base: $base
    notional: $notional
    minNetPercent: $minNetPercent
    executableOnly: $executableOnly
    after: $after
  ) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    matches
    spread {
      id
      netPercent
      executable
    }
  }
}
    `) as unknown as TypedDocumentString<ArbitrageSpreadUpdatedSubscription, ArbitrageSpreadUpdatedSubscriptionVariables>;
export const C2cOrdersDocument = new TypedDocumentString(`
    query C2cOrders($filter: C2cOrderFilter, $first: Int! = 50, $after: String) {
  c2cOrders(filter: $filter, first: $first, after: $after) {
    totalCount
    nodes {
      ...C2cOrderFields
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment C2cOrderFields on C2cOrder {
  orderNumber
  advNo
  tradeType
  asset
  fiat
  fiatSymbol
  amount
  totalPrice
  unitPrice
  status
  rawStatus
  createTime
  commission
  advertisementRole
  payMethodName
  counterPartNickName
}`) as unknown as TypedDocumentString<C2cOrdersQuery, C2cOrdersQueryVariables>;
export const C2cOrderDocument = new TypedDocumentString(`
    query C2cOrder($orderNumber: ID!) {
  c2cOrder(orderNumber: $orderNumber) {
    ...C2cOrderFields
  }
}
    fragment C2cOrderFields on C2cOrder {
  orderNumber
  advNo
  tradeType
  asset
  fiat
  fiatSymbol
  amount
  totalPrice
  unitPrice
  status
  rawStatus
  createTime
  commission
  advertisementRole
  payMethodName
  counterPartNickName
}`) as unknown as TypedDocumentString<C2cOrderQuery, C2cOrderQueryVariables>;
export const C2cDailyVolumeDocument = new TypedDocumentString(`
    query C2cDailyVolume($from: DateTime, $to: DateTime, $asset: String, $fiat: String, $tradeType: C2cTradeType) {
  c2cDailyVolume(
    from: $from
    to: $to
    asset: $asset
    fiat: $fiat
    tradeType: $tradeType
  ) {
    day
    asset
    fiat
    tradeType
    orders
    completed
    cancelled
    amount
    totalPrice
    averageUnitPrice
    commission
    counterparties
    completionPercent
  }
}
    `) as unknown as TypedDocumentString<C2cDailyVolumeQuery, C2cDailyVolumeQueryVariables>;
export const C2cSummaryDocument = new TypedDocumentString(`
    query C2cSummary($from: DateTime, $to: DateTime, $asset: String!, $fiat: String!) {
  c2cSummary(from: $from, to: $to, asset: $asset, fiat: $fiat) {
    from
    to
    fiat
    asset
    buyAmount
    buyTotal
    sellAmount
    sellTotal
    averageBuyPrice
    averageSellPrice
    spreadPercent
    realisedMargin
    commission
    orders
  }
}
    `) as unknown as TypedDocumentString<C2cSummaryQuery, C2cSummaryQueryVariables>;
export const CdcRecordsDocument = new TypedDocumentString(`
    query CdcRecords($table: String!, $op: [CdcOperation!], $first: Int!, $after: String) {
  cdcRecords(table: $table, op: $op, first: $first, after: $after) {
    nodes {
      ...ChangeFields
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    liveCursor
  }
}
    fragment ChangeFields on CdcRecord {
  id
  table
  op
  key
  relatedKey
  before
  after
  changed
  unchanged
  lsn
  txId
  sourceTime
}`) as unknown as TypedDocumentString<CdcRecordsQuery, CdcRecordsQueryVariables>;
export const CdcEventDocument = new TypedDocumentString(`
    subscription CdcEvent($table: String!, $op: [CdcOperation!], $after: Cursor, $onSlow: SlowConsumerPolicy! = DISCONNECT) {
  cdcEvent(table: $table, op: $op, after: $after, onSlow: $onSlow) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    record {
      ...ChangeFields
    }
  }
}
    fragment ChangeFields on CdcRecord {
  id
  table
  op
  key
  relatedKey
  before
  after
  changed
  unchanged
  lsn
  txId
  sourceTime
}`) as unknown as TypedDocumentString<CdcEventSubscription, CdcEventSubscriptionVariables>;
export const C2cWindowsDocument = new TypedDocumentString(`
    query C2cWindows($from: DateTime, $to: DateTime, $fiat: String) {
  c2cWindows(from: $from, to: $to, fiat: $fiat) {
    start
    end
    fiat
    tradeType
    orders
    totalPrice
    completed
    completedTotalPrice
    revision
  }
}
    `) as unknown as TypedDocumentString<C2cWindowsQuery, C2cWindowsQueryVariables>;
export const CryptoPricesDocument = new TypedDocumentString(`
    query CryptoPrices($base: String!, $from: DateTime, $to: DateTime, $first: Int!) {
  cryptoPrices(base: $base, from: $from, to: $to, first: $first) {
    base
    exchange
    symbol
    minute
    price
    priceUsdt
  }
}
    `) as unknown as TypedDocumentString<CryptoPricesQuery, CryptoPricesQueryVariables>;
export const DataQualityDocument = new TypedDocumentString(`
    query DataQuality($dataset: String) {
  dataQuality(dataset: $dataset) {
    dataset
    check
    passed
    checked
    failed
    sample
    runAt
  }
}
    `) as unknown as TypedDocumentString<DataQualityQuery, DataQualityQueryVariables>;
export const FeedHealthDocument = new TypedDocumentString(`
    query FeedHealth($exchange: Exchange) {
  feedHealth(exchange: $exchange) {
    exchange
    symbol
    channel
    connected
    lastEventAt
    freshnessMs
    stale
    gaps
    reconnects
  }
}
    `) as unknown as TypedDocumentString<FeedHealthQuery, FeedHealthQueryVariables>;
export const FeedStatusUpdatedDocument = new TypedDocumentString(`
    subscription FeedStatusUpdated($exchange: Exchange) {
  feedStatusUpdated(exchange: $exchange) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    feed {
      exchange
      symbol
      channel
      connected
      stale
    }
  }
}
    `) as unknown as TypedDocumentString<FeedStatusUpdatedSubscription, FeedStatusUpdatedSubscriptionVariables>;
export const KlinesDocument = new TypedDocumentString(`
    query Klines($exchange: Exchange!, $symbol: String!, $interval: Interval! = M1, $from: DateTime, $to: DateTime, $order: SortDirection! = DESC, $first: Int! = 500, $after: String) {
  klines(
    exchange: $exchange
    symbol: $symbol
    interval: $interval
    from: $from
    to: $to
    order: $order
    first: $first
    after: $after
  ) {
    nodes {
      id
      interval
      openTime
      closeTime
      open
      high
      low
      close
      volume
      quoteVolume
      tradeCount
      isClosed
      coverage
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    liveCursor
  }
}
    `) as unknown as TypedDocumentString<KlinesQuery, KlinesQueryVariables>;
export const LatestKlineDocument = new TypedDocumentString(`
    query LatestKline($exchange: Exchange!, $symbol: String!, $interval: Interval! = M1) {
  latestKline(exchange: $exchange, symbol: $symbol, interval: $interval) {
    id
    openTime
    close
    isClosed
  }
}
    `) as unknown as TypedDocumentString<LatestKlineQuery, LatestKlineQueryVariables>;
export const KlineUpdatedDocument = new TypedDocumentString(`
    subscription KlineUpdated($exchange: Exchange!, $symbol: String!, $interval: Interval! = M1) {
  klineUpdated(exchange: $exchange, symbol: $symbol, interval: $interval) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    kline {
      openTime
      close
      volume
      isClosed
    }
  }
}
    `) as unknown as TypedDocumentString<KlineUpdatedSubscription, KlineUpdatedSubscriptionVariables>;
export const MarketsDocument = new TypedDocumentString(`
    query Markets($exchange: Exchange, $base: String, $quote: String, $first: Int! = 100, $after: String) {
  markets(
    exchange: $exchange
    base: $base
    quote: $quote
    first: $first
    after: $after
  ) {
    nodes {
      id
      exchange
      symbol
      nativeSymbol
      base
      quote
      status
      tickSize
      lotSize
      takerFeePercent
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<MarketsQuery, MarketsQueryVariables>;
export const MarketOverviewDocument = new TypedDocumentString(`
    query MarketOverview($first: Int! = 100, $interval: Interval! = M1) {
  markets(first: $first) {
    nodes {
      id
      latestKline(interval: $interval) {
        close
        isClosed
      }
      ticker {
        last
        changePercent24h
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MarketOverviewQuery, MarketOverviewQueryVariables>;
export const MarketDocument = new TypedDocumentString(`
    query Market($exchange: Exchange!, $symbol: String!) {
  market(exchange: $exchange, symbol: $symbol) {
    id
    status
  }
}
    `) as unknown as TypedDocumentString<MarketQuery, MarketQueryVariables>;
export const OrderBookDocument = new TypedDocumentString(`
    query OrderBook($exchange: Exchange!, $symbol: String!, $depth: Int! = 20, $side: Side! = BUY, $quantity: Decimal! = 1) {
  orderBook(exchange: $exchange, symbol: $symbol, depth: $depth) {
    bids {
      price
      quantity
    }
    asks {
      price
      quantity
    }
    mid
    spreadBps
    imbalance
    vwap(side: $side, quantity: $quantity)
    bookSequence
    integrity
    time
    liveCursor
  }
}
    `) as unknown as TypedDocumentString<OrderBookQuery, OrderBookQueryVariables>;
export const OrderBookUpdatedDocument = new TypedDocumentString(`
    subscription OrderBookUpdated($exchange: Exchange!, $symbol: String!, $depth: Int! = 20) {
  orderBookUpdated(exchange: $exchange, symbol: $symbol, depth: $depth) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    snapshot
    bids {
      price
      quantity
    }
    asks {
      price
      quantity
    }
    checksum
    time
  }
}
    `) as unknown as TypedDocumentString<OrderBookUpdatedSubscription, OrderBookUpdatedSubscriptionVariables>;
export const PipelineRunsDocument = new TypedDocumentString(`
    query PipelineRuns($pipeline: String, $first: Int! = 20) {
  pipelineRuns(pipeline: $pipeline, first: $first) {
    id
    runId
    pipeline
    task
    status
    startedAt
    finishedAt
    rowsIn
    rowsOut
    done
    total
    error
    attempt
  }
}
    `) as unknown as TypedDocumentString<PipelineRunsQuery, PipelineRunsQueryVariables>;
export const RunPipelineDocument = new TypedDocumentString(`
    mutation RunPipeline($pipeline: String!) {
  runPipeline(pipeline: $pipeline) {
    id
    runId
    pipeline
    task
    status
    startedAt
    finishedAt
    rowsIn
    rowsOut
    error
    attempt
  }
}
    `) as unknown as TypedDocumentString<RunPipelineMutation, RunPipelineMutationVariables>;
export const RankingDocument = new TypedDocumentString(`
    query Ranking($by: RankingMetric!, $direction: SortDirection!, $exchange: Exchange, $quote: String, $first: Int!) {
  ranking(
    by: $by
    direction: $direction
    exchange: $exchange
    quote: $quote
    first: $first
  ) {
    rank
    market {
      id
      status
      ticker {
        last
      }
    }
    value
    price
    changePercent
    quoteVolume
    marketCap
    time
  }
}
    `) as unknown as TypedDocumentString<RankingQuery, RankingQueryVariables>;
export const RankingUpdatedDocument = new TypedDocumentString(`
    subscription RankingUpdated($by: RankingMetric!, $direction: SortDirection!, $exchange: Exchange, $quote: String, $first: Int!, $after: Cursor) {
  rankingUpdated(
    by: $by
    direction: $direction
    exchange: $exchange
    quote: $quote
    first: $first
    after: $after
  ) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    entries {
      rank
      market {
        id
        nativeSymbol
        takerFeePercent
      }
      value
    }
  }
}
    `) as unknown as TypedDocumentString<RankingUpdatedSubscription, RankingUpdatedSubscriptionVariables>;
export const TickerDailyDocument = new TypedDocumentString(`
    query TickerDaily($exchange: Exchange!, $symbol: String!, $from: Date, $to: Date) {
  tickerDaily(exchange: $exchange, symbol: $symbol, from: $from, to: $to) {
    day
    open
    high
    low
    close
    quoteVolume
    changePercent
    volatility
    trend
    coverage
    isClosed
  }
}
    `) as unknown as TypedDocumentString<TickerDailyQuery, TickerDailyQueryVariables>;
export const TickerDocument = new TypedDocumentString(`
    query Ticker($exchange: Exchange!, $symbol: String!) {
  ticker(exchange: $exchange, symbol: $symbol) {
    last
    open
    high
    low
    volume24h
    quoteVolume24h
    changePercent24h
    coverage
    time
  }
}
    `) as unknown as TypedDocumentString<TickerQuery, TickerQueryVariables>;
export const TickersDocument = new TypedDocumentString(`
    query Tickers($exchange: Exchange, $base: String, $quote: String) {
  tickers(exchange: $exchange, base: $base, quote: $quote) {
    exchange
    symbol
    last
  }
}
    `) as unknown as TypedDocumentString<TickersQuery, TickersQueryVariables>;
export const TickerUpdatedDocument = new TypedDocumentString(`
    subscription TickerUpdated($exchange: Exchange!, $symbol: String!) {
  tickerUpdated(exchange: $exchange, symbol: $symbol) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    ticker {
      last
      time
    }
  }
}
    `) as unknown as TypedDocumentString<TickerUpdatedSubscription, TickerUpdatedSubscriptionVariables>;
export const TickersUpdatedDocument = new TypedDocumentString(`
    subscription TickersUpdated($markets: [MarketInput!]!, $throttleMs: Int! = 250, $onSlow: SlowConsumerPolicy! = CONFLATE) {
  tickersUpdated(markets: $markets, throttleMs: $throttleMs, onSlow: $onSlow) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    ticker {
      exchange
      symbol
      last
    }
  }
}
    `) as unknown as TypedDocumentString<TickersUpdatedSubscription, TickersUpdatedSubscriptionVariables>;
export const TradesDocument = new TypedDocumentString(`
    query Trades($exchange: Exchange!, $symbol: String!, $from: DateTime, $to: DateTime, $first: Int! = 50, $after: String) {
  trades(
    exchange: $exchange
    symbol: $symbol
    from: $from
    to: $to
    first: $first
    after: $after
  ) {
    nodes {
      id
      tradeId
      price
      quantity
      side
      time
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    liveCursor
  }
}
    `) as unknown as TypedDocumentString<TradesQuery, TradesQueryVariables>;
export const TradeExecutedDocument = new TypedDocumentString(`
    subscription TradeExecuted($exchange: Exchange!, $symbol: String!) {
  tradeExecuted(exchange: $exchange, symbol: $symbol) {
    cursor
    sequence
    start
    gap {
      missed
      reason
    }
    trade {
      tradeId
      price
      quantity
      side
      time
    }
  }
}
    `) as unknown as TypedDocumentString<TradeExecutedSubscription, TradeExecutedSubscriptionVariables>;