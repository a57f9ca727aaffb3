/** What a resolver is handed besides its arguments. One context serves one operation. */
import type { Caller } from '../src/platform/access.ts';
import type { Platform } from '../src/platform/platform.ts';
import type { Hub } from '../src/stream/hub.ts';
import { createLoaders, type Loaders } from './loaders.ts';

export interface Context {
  readonly platform: Platform;
  readonly caller: Caller;
  /** The process's one place where live streams are followed. */
  readonly hub: Hub;
  readonly loaders: Loaders;
}

/** The context of one operation, made anew for each: its loaders remember what they have loaded. */
export function createContext(platform: Platform, hub: Hub, caller: Caller): Context {
  return { platform, hub, caller, loaders: createLoaders(platform) };
}
