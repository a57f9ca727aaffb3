/** What a resolver is handed besides its arguments. One context serves one operation. */
import type { Caller } from '../src/platform/access.ts';
import type { Platform } from '../src/platform/platform.ts';
import { createLoaders, type Loaders } from './loaders.ts';

export interface Context {
  readonly platform: Platform;
  /** Events of subscriptions know the role alone: they are shared. */
  readonly caller: Pick<Caller, 'role'>;
  readonly loaders: Loaders;
}

/** The context of one operation, made anew for each: its loaders remember what they have loaded. */
export function createContext(platform: Platform, caller: Context['caller']): Context {
  let loaders: Loaders | null = null;
  return {
    platform,
    caller,
    // most subscriptions ask for none, and live long
    get loaders() {
      loaders ??= createLoaders(platform);
      return loaders;
    },
  };
}
