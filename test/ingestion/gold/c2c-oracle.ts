/** The figures of C2C orders worked out anew, without SQL: whole numbers of the smallest unit, a queue of lots. */
import { Exact } from '../../../schema/decimal.ts';

export interface OracleOrder {
  orderNumber: string;
  tradeType: string;
  asset: string;
  fiat: string;
  amount: string;
  totalPrice: string;
  orderStatus: string;
  createTime: number;
  commission: string;
  counterPartNickName: string;
}

/** As PostgreSQL's rows are read, numbers as text without superfluous zeros. */
export interface Volume {
  day: string;
  asset: string;
  fiat: string;
  trade_type: string;
  orders: number;
  completed: number;
  cancelled: number;
  amount: string;
  total_price: string;
  average_unit_price: string | null;
  commission: string;
  counterparties: number;
  completion_percent: number;
}
export interface SummaryDay {
  asset: string;
  fiat: string;
  day: string;
  orders: number;
  buy_amount: string;
  buy_total: string;
  sell_amount: string;
  sell_total: string;
  commission: string;
  realised_margin: string;
  uncosted_amount: string;
}

const PLACES = 18;
const SHOWN = 8;
const whole = (text: string): bigint => BigInt(new Exact(text).times(`1e${PLACES}`).toFixed(0));
const plain = (value: bigint, places: number): string => new Exact(String(value)).times(`1e-${places}`).toFixed();
/** n / d in units of the last shown place, halves up. */
const halfUp = (n: bigint, d: bigint): bigint => (2n * n * 10n ** BigInt(SHOWN) + d) / (2n * d);
const sum = (values: readonly string[]): bigint => values.reduce((total, value) => total + whole(value), 0n);

/** The day of an instant. */
export function dayIn(timeZone: string): (time: number) => string {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return (time) => format.format(time);
}

function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): [string, T[]][] {
  return [...Map.groupBy(rows, keyOf)].sort(([a], [b]) => (a < b ? -1 : 1));
}

export function volumesOf(orders: readonly OracleOrder[], timeZone: string): Volume[] {
  const dayOf = dayIn(timeZone);
  return grouped(orders, (o) => [dayOf(o.createTime), o.asset, o.fiat, o.tradeType].join(' ')).map(([key, all]) => {
    const [day = '', asset = '', fiat = '', trade_type = ''] = key.split(' ');
    const done = all.filter((o) => o.orderStatus === 'COMPLETED');
    const [amount, total] = [sum(done.map((o) => o.amount)), sum(done.map((o) => o.totalPrice))];
    return {
      ...{ day, asset, fiat, trade_type, orders: all.length, completed: done.length },
      cancelled: all.filter((o) => o.orderStatus.startsWith('CANCELLED')).length,
      amount: plain(amount, PLACES),
      total_price: plain(total, PLACES),
      average_unit_price: amount === 0n ? null : plain(halfUp(total, amount), SHOWN),
      commission: plain(sum(done.map((o) => o.commission)), PLACES),
      counterparties: new Set(all.map((o) => o.counterPartNickName).filter(Boolean)).size,
      completion_percent: (done.length * 100) / all.length,
    };
  });
}

interface Lot {
  amount: bigint;
  total: bigint;
  used: bigint;
}

/** What each sale earned and what of it had no lot, by order number. */
export function fifo(orders: readonly OracleOrder[]): Map<string, { margin: bigint; uncosted: bigint }> {
  const lots: Lot[] = [];
  const sales = new Map<string, { margin: bigint; uncosted: bigint }>();
  const inOrder = [...orders].sort((a, b) => a.createTime - b.createTime || (a.orderNumber < b.orderNumber ? -1 : 1));
  for (const order of inOrder) {
    const [amount, total] = [whole(order.amount), whole(order.totalPrice)];
    if (order.tradeType === 'BUY') {
      lots.push({ amount, total, used: 0n });
      continue;
    }
    let left = amount;
    let cost = 0n;
    while (left > 0n && lots[0]) {
      const [lot] = lots;
      const take = left < lot.amount - lot.used ? left : lot.amount - lot.used;
      cost += halfUp(lot.total * (lot.used + take), lot.amount * 10n ** BigInt(PLACES));
      cost -= halfUp(lot.total * lot.used, lot.amount * 10n ** BigInt(PLACES));
      lot.used += take;
      left -= take;
      if (lot.used === lot.amount) lots.shift();
    }
    const revenue = halfUp(total * (amount - left), amount * 10n ** BigInt(PLACES));
    sales.set(order.orderNumber, { margin: revenue - cost, uncosted: left });
  }
  return sales;
}

export function summariesOf(orders: readonly OracleOrder[], timeZone: string): SummaryDay[] {
  const dayOf = dayIn(timeZone);
  return grouped(orders, (o) => `${o.asset} ${o.fiat}`).flatMap(([pair, ofPair]) => {
    const [asset = '', fiat = ''] = pair.split(' ');
    const sales = fifo(ofPair.filter((o) => o.orderStatus === 'COMPLETED'));
    return grouped(ofPair, (o) => dayOf(o.createTime)).map(([day, all]) => {
      const done = all.filter((o) => o.orderStatus === 'COMPLETED');
      const of = (side: string, what: 'amount' | 'totalPrice') =>
        plain(sum(done.filter((o) => o.tradeType === side).map((o) => o[what])), PLACES);
      const earned = done.flatMap((o) => sales.get(o.orderNumber) ?? []);
      return {
        ...{
          asset,
          fiat,
          day,
          orders: all.length,
          buy_amount: of('BUY', 'amount'),
          buy_total: of('BUY', 'totalPrice'),
        },
        ...{ sell_amount: of('SELL', 'amount'), sell_total: of('SELL', 'totalPrice') },
        commission: plain(sum(done.map((o) => o.commission)), PLACES),
        realised_margin: plain(
          earned.reduce((total, { margin }) => total + margin, 0n),
          SHOWN,
        ),
        uncosted_amount: plain(
          earned.reduce((total, { uncosted }) => total + uncosted, 0n),
          PLACES,
        ),
      };
    });
  });
}
