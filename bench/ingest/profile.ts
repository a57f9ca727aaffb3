/** Reads a CPU profile: where the time went, by part of the path and by function. */
import { readFile } from 'node:fs/promises';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}
interface Profile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

export interface Share {
  name: string;
  /** Of the busy time, 0..1. */
  share: number;
}

export interface ProfileSummary {
  /** Self time by part, idle time left out; built-ins (JSON, RegExp, Map) count where they are called. */
  parts: Share[];
  functions: Share[];
}

/** What a file belongs to; the first that fits. */
const PARTS: readonly [RegExp, string][] = [
  [/\/bench\//, 'benchmark itself'],
  [/\/ingestion\/feed\/publish\.ts/, 'publish'],
  [/\/ingestion\/(exchanges|feed)\//, 'normalize and flows'],
  [/\/schema\//, 'encode, parse, check'],
  [/\/node_modules\/zod\//, 'zod'],
  [/\/node_modules\/decimal\.js\//, 'decimal.js'],
  [/\/ingestion\/(workers\/live|live\/|price-levels)/, 'worker live'],
  [/\/ingestion\/(workers\/arbitrage|arbitrage\/)/, 'worker arbitrage'],
  [/\/ingestion\/(workers\/kline|klines|gold)/, 'worker klines'],
  [/\/ingestion\/workers\//, 'worker loop and silver'],
  [/\/platform\/live\//, 'live store'],
  [/\/platform\/postgres\//, 'bulk rows'],
  [/\/platform\/broker\//, 'broker'],
  [/\/node_modules\/kafkajs/, 'kafkajs'],
  [/\/node_modules\/(ioredis|redis-parser|@ioredis|standard-as-callback|denque)/, 'ioredis'],
  [/\/node_modules\/(pg|pg-.*|typeorm|postgres-.*)\//, 'pg and typeorm'],
  [/\/node_modules\/prom-client\/|\/metrics\.ts/, 'metrics'],
  [/^node:/, 'Node'],
];

function partOf(url: string, name: string): string | null {
  if (name === '(garbage collector)') return 'garbage collection';
  if (name === '(program)') return 'native and kernel';
  if (url === '') return null;
  return PARTS.find(([pattern]) => pattern.test(url))?.[1] ?? 'other';
}

function ranked(sums: Map<string, number>, total: number): Share[] {
  return [...sums].map(([name, micros]) => ({ name, share: micros / total })).sort((a, b) => b.share - a.share);
}

/** Sums up a .cpuprofile file. */
export async function summarise(path: string): Promise<ProfileSummary> {
  const { nodes, samples, timeDeltas } = JSON.parse(await readFile(path, 'utf8')) as Profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parentOf = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const part = (id: number | undefined): string => {
    const node = id === undefined ? undefined : byId.get(id);
    if (!node) return 'other';
    return partOf(node.callFrame.url, node.callFrame.functionName) ?? part(parentOf.get(node.id));
  };
  const label = (node: ProfileNode): string => {
    const { functionName, url, lineNumber } = node.callFrame;
    const file = url.replace(/^.*\/(node_modules\/)?([^/]+\/[^/]+)$/, '$2');
    return url === ''
      ? `${functionName || '(anonymous)'} in ${part(node.id)}`
      : `${functionName} ${file}:${lineNumber + 1}`;
  };
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  for (const [i, id] of samples.entries()) {
    const node = byId.get(id);
    const micros = timeDeltas[i] ?? 0;
    if (!node || node.callFrame.functionName === '(idle)') continue;
    busy += micros;
    for (const [sums, name] of [
      [parts, part(id)],
      [functions, label(node)],
    ] as const)
      sums.set(name, (sums.get(name) ?? 0) + micros);
  }
  return { parts: ranked(parts, busy), functions: ranked(functions, busy) };
}
