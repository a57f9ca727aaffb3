/** What is measured: servers, loads, and what must come out. */

export type ServerName = 'floor' | 'raw' | 'tickgraph' | 'type-graphql' | 'mercurius' | 'yoga';

export interface Server {
  name: ServerName;
  label: string;
  /** Arguments of Node after `--import tsx`; the floor is a program of its own. */
  script: string;
}

export const SERVERS: readonly Server[] = [
  { name: 'floor', label: 'C floor', script: '' },
  { name: 'raw', label: 'raw ws.send', script: 'bench/fanout/servers/raw.ts' },
  { name: 'tickgraph', label: 'Tickgraph', script: 'bench/fanout/servers/tickgraph.ts' },
  { name: 'type-graphql', label: 'type-graphql + graphql-ws', script: 'bench/peers/type-graphql.ts' },
  { name: 'mercurius', label: 'Mercurius', script: 'bench/peers/mercurius.mjs' },
  { name: 'yoga', label: 'Yoga', script: 'bench/peers/yoga.mjs' },
];

export interface Case {
  name: string;
  sockets: number;
  topics: number;
  /** Events together in one turn of the event loop. */
  batch: number;
  /** Events a second; 0 for as fast as it goes. */
  rate: number;
  /** Only the first so many follow what has events; 0 for all. */
  hot: number;
  servers: readonly ServerName[];
  /** Part of the short run. */
  quick: boolean;
}

const ALL = SERVERS.map(({ name }) => name);
const STACKS: readonly ServerName[] = ['raw', 'tickgraph', 'type-graphql', 'mercurius', 'yoga'];
const NEAR: readonly ServerName[] = ['raw', 'tickgraph'];
const DEFAULTS = { topics: 1, batch: 1, rate: 0, hot: 0, quick: false } as const;

export const CASES: readonly Case[] = [
  { ...DEFAULTS, name: 'one topic, 100 sockets', sockets: 100, servers: ALL },
  { ...DEFAULTS, name: 'one topic, 1,000 sockets', sockets: 1_000, servers: ALL, quick: true },
  { ...DEFAULTS, name: 'one topic, 5,000 sockets', sockets: 5_000, servers: ALL },
  {
    ...DEFAULTS,
    name: '4 events a tick, 1,000 sockets',
    sockets: 1_000,
    batch: 4,
    servers: ['floor', ...NEAR],
    quick: true,
  },
  { ...DEFAULTS, name: '4 events a tick, 5,000 sockets', sockets: 5_000, batch: 4, servers: NEAR },
  { ...DEFAULTS, name: '10 events a tick, 1,000 sockets', sockets: 1_000, batch: 10, servers: NEAR },
  { ...DEFAULTS, name: '1,000 sockets over 100 topics', sockets: 1_000, topics: 100, servers: STACKS, quick: true },
  { ...DEFAULTS, name: '1,000 different questions', sockets: 1_000, topics: 1_000, servers: STACKS, quick: true },
  { ...DEFAULTS, name: '10 events/s, 1,000 sockets', sockets: 1_000, rate: 10, servers: STACKS },
  { ...DEFAULTS, name: '200 events/s, 500 sockets', sockets: 500, rate: 200, servers: NEAR, quick: true },
  { ...DEFAULTS, name: '200 events/s, 1,000 sockets', sockets: 1_000, rate: 200, servers: NEAR },
  { ...DEFAULTS, name: '100 sockets, no other cohorts', sockets: 100, rate: 500, servers: ['tickgraph'], quick: true },
  {
    ...DEFAULTS,
    name: '100 sockets beside 1,000 cohorts',
    sockets: 1_100,
    rate: 500,
    hot: 100,
    servers: ['tickgraph'],
  },
  {
    ...DEFAULTS,
    name: '100 sockets beside 5,000 cohorts',
    sockets: 5_100,
    rate: 500,
    hot: 100,
    servers: ['tickgraph'],
    quick: true,
  },
];

const FIELDS = 'symbol interval openTime open high low close volume isClosed';

/** The subscription in the words of a server's schema. */
export function queryFor(server: ServerName): string {
  return server === 'tickgraph'
    ? `subscription K($s:String!){klineUpdated(exchange:BINANCE,symbol:$s){cursor kline{${FIELDS}}}}`
    : `subscription K($s:String!){klineUpdated(symbol:$s){${FIELDS}}}`;
}

/** A ratio that is asked for, by CPU per delivered message unless it is a latency or memory. */
export interface Aim {
  text: string;
  case: string;
  kind: 'cpu' | 'p99' | 'idle' | 'unmatched';
  against: ServerName | null;
  /** At least, of the other's CPU to ours; at most, for latency (ratio), memory (kB) and unmatched cohorts (ratio). */
  bound: number;
  /** The case to compare with, where it is another one. */
  base?: string;
}

export const AIMS: readonly Aim[] = [
  ...[1_000, 5_000].flatMap((sockets): Aim[] => {
    const name = `one topic, ${sockets.toLocaleString('en')} sockets`;
    return [
      { text: 'one event a tick, × raw ws.send', case: name, kind: 'cpu', against: 'raw', bound: 0.9 },
      { text: 'one event a tick, × documented stack', case: name, kind: 'cpu', against: 'type-graphql', bound: 6 },
      { text: 'kB an idle subscriber', case: name, kind: 'idle', against: null, bound: 30 },
      {
        text: 'four events a tick, × raw ws.send one by one',
        case: `4 events a tick, ${sockets.toLocaleString('en')} sockets`,
        base: name,
        kind: 'cpu',
        against: 'raw',
        bound: 2.5,
      },
    ];
  }),
  { text: '× documented stack', case: '1,000 sockets over 100 topics', kind: 'cpu', against: 'type-graphql', bound: 6 },
  { text: '× documented stack', case: '1,000 different questions', kind: 'cpu', against: 'type-graphql', bound: 2.5 },
  { text: 'p99, × raw ws.send', case: '200 events/s, 500 sockets', kind: 'p99', against: 'raw', bound: 1.5 },
  { text: 'p99, × raw ws.send', case: '200 events/s, 1,000 sockets', kind: 'p99', against: 'raw', bound: 1.5 },
  {
    text: 'CPU, × none that do not match',
    case: '100 sockets beside 5,000 cohorts',
    base: '100 sockets, no other cohorts',
    kind: 'unmatched',
    against: null,
    bound: 1.2,
  },
];
