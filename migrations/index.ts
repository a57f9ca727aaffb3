import { Foundation1735689600001 } from './0001-foundation.ts';

/** Every migration, in order. */
export const MIGRATIONS = [Foundation1735689600001];
