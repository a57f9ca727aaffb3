/** Reads the parameters of a REST request as both exchanges do. */
import type { MarketFeed } from './market-feed.ts';

/** A refusal: the number and text that go into the exchange's error. */
export class BadRequest extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const missing = (): BadRequest =>
  new BadRequest(400, 'Missing request parameter error. Check the required parameters!');
const mismatch = (): BadRequest => new BadRequest(400, 'Type mismatch error. Check the parameters type!');

export class Query {
  private readonly search: URLSearchParams;

  constructor(search: URLSearchParams) {
    this.search = search;
  }

  text(name: string): string | null {
    return this.search.get(name) || null;
  }

  /** A whole number from 1 to `max`. Throws BadRequest. */
  count(name: string, usual: number, max: number): number {
    const text = this.text(name);
    if (text === null) return usual;
    if (!/^[0-9]{1,9}$/.test(text) || Number(text) === 0) throw mismatch();
    return Math.min(Number(text), max);
  }

  /** The feeds named, separated by commas; one that doesn't exist fails the whole call. Throws BadRequest. */
  markets(name: string, feeds: ReadonlyMap<string, MarketFeed>): MarketFeed[] {
    const text = this.text(name);
    if (text === null) throw missing();
    return text.split(',').map((symbol) => {
      const feed = feeds.get(symbol);
      if (!feed) throw new BadRequest(404, 'Code not found');
      return feed;
    });
  }

  market(feeds: ReadonlyMap<string, MarketFeed>): MarketFeed {
    const [feed, ...others] = this.markets('market', feeds);
    if (!feed || others.length > 0) throw new BadRequest(404, 'Code not found');
    return feed;
  }

  /** An ISO 8601 time as epoch ms, read `offset` ms east of UTC where it names no zone. Throws BadRequest. */
  time(name: string, offset: number): number | null {
    const text = this.text(name);
    if (text === null) return null;
    // a plus that nobody escaped arrives as a blank
    const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(Z|[+ ]\d\d:\d\d)?$/.exec(text);
    const zone = parts?.[3]?.replace(' ', '+') ?? 'Z';
    const time = parts ? Date.parse(`${parts[1]}T${parts[2]}${zone}`) : Number.NaN;
    if (Number.isNaN(time)) throw mismatch();
    return parts?.[3] ? time : time - offset;
  }

  /** A time of day (HHmmss or HH:mm:ss) as ms. Throws BadRequest. */
  timeOfDay(name: string): number | null {
    const text = this.text(name);
    if (text === null) return null;
    const parts = /^(\d\d):?(\d\d):?(\d\d)$/.exec(text);
    if (!parts) throw mismatch();
    return (Number(parts[1]) * 3_600 + Number(parts[2]) * 60 + Number(parts[3])) * 1_000;
  }
}
