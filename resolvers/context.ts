/** What a resolver is handed besides its arguments. One context serves one operation. */
import type { Caller } from '../src/platform/access.ts';
import type { Platform } from '../src/platform/platform.ts';
import type { Jobs } from '../src/platform/postgres/jobs.ts';
import { createLoaders, type Loaders } from './loaders.ts';

export interface Context {
  readonly platform: Platform;
  /** Events of subscriptions know the role alone: they are shared. */
  readonly caller: Pick<Caller, 'role'>;
  readonly loaders: Loaders;
  /** Where runs of pipelines are asked for; null where that can't be done. */
  readonly jobs: Jobs | null;
}

class OperationContext implements Context {
  private loaded: Loaders | null = null;

  constructor(
    readonly platform: Platform,
    readonly caller: Context['caller'],
    readonly jobs: Jobs | null,
  ) {}

  /** Most subscriptions ask for none, and live long. */
  get loaders(): Loaders {
    this.loaded ??= createLoaders(this.platform);
    return this.loaded;
  }
}

/** The context of one operation, made anew for each: its loaders remember what they have loaded. */
export function createContext(platform: Platform, caller: Context['caller'], jobs: Jobs | null = null): Context {
  return new OperationContext(platform, caller, jobs);
}
