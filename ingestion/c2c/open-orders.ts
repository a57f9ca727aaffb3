/** Which orders must be asked for again, because they may still change or could not be read. */
import type { ParsedC2cOrder } from '../../schema/c2c-order.ts';
import type { Window } from './windows.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** Nothing comes after it. */
const ENDED = 'COMPLETED';
/** An appeal may complete an order after all. */
const CANCELLED: readonly string[] = ['CANCELLED', 'CANCELLED_BY_SYSTEM'];
const APPEAL = 14 * DAY;

/**
 * When an order was made that is to be asked for again, epoch ms; null where it need not be, or where nobody knows: of an
 * order that is none the time counts where it lies in the window (give or take an hour) that brought it. `askedAt` is the time of the call.
 */
export function mayChange(
  one: ParsedC2cOrder & { said: unknown },
  { from, to }: Window,
  askedAt: number,
): number | null {
  if ('order' in one) {
    const { orderStatus, createTime } = one.order;
    if (orderStatus === ENDED || (CANCELLED.includes(orderStatus) && createTime < askedAt - APPEAL)) return null;
    return createTime;
  }
  const { createTime } = (one.said ?? {}) as { createTime?: unknown };
  const time = typeof createTime === 'string' ? Number(createTime) : createTime;
  return typeof time === 'number' && time >= from - HOUR && time <= to + HOUR ? time : null;
}

/** What names an order that is none: its number, where it is one. */
export function headersOf(said: unknown): Record<string, string> {
  const { orderNumber } = (said ?? {}) as { orderNumber?: unknown };
  return typeof orderNumber === 'string' && /^[\w-]{1,64}$/.test(orderNumber) ? { orderNumber } : {};
}
