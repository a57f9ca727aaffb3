/**
 * A stream whose store lost its data is filled again from the log, oldest first: most of it was told before. What comes is
 * passed over as long as it is no newer than the event told last.
 */
import type { Channel } from '../../schema/channels.ts';

/** Events come in the order of the log, whose times are in order to within this. */
const SLACK_MS = 10_000;
/** After this long whatever comes is told: an exchange's clock may have been set back. */
const LONGEST_MS = 300_000;

export class Rebirth<Payload extends { eventTime: number }> {
  private found = false;
  private readonly until = Date.now() + LONGEST_MS;

  /** `last` was told last. */
  constructor(
    private readonly channel: Channel<Payload>,
    private readonly last: Payload,
  ) {}

  /** True for a state (JSON of an event) no newer than what was told. */
  wasTold(state: string): boolean {
    const { version } = this.channel;
    return version.kind === 'advance' && version.rank(JSON.parse(state) as Payload) <= version.rank(this.last);
  }

  /**
   * The next event: `told` before, `new` and all between the two was told, or `unknown`: new, and whether something is
   * missing can't be known. After the first that is not `told` it has done its work.
   */
  next(payload: Payload): 'told' | 'new' | 'unknown' {
    const { version } = this.channel;
    const { last } = this;
    if (Date.now() > this.until) return 'unknown';
    // the same event as a newer one of its kind stands for the older: nothing of that kind is missing
    if (version.kind === 'advance') return version.rank(payload) <= version.rank(last) ? 'told' : 'new';
    if (this.found) return 'new';
    if (version.id(payload) === version.id(last)) {
      this.found = true;
      return 'told';
    }
    return payload.eventTime > last.eventTime + SLACK_MS ? 'unknown' : 'told';
  }
}
