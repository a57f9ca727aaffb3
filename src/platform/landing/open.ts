/** The landing store that the settings name. */
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { openFolderStore } from './folder.ts';
import type { LandingStore } from './store.ts';

/** An answer has 4 MB at the most before it is compressed. */
const MAX_BYTES = 16 * 1_048_576;
/** One call to an object store may take this many times as long as one to a database. */
const PATIENCE = 4;

/** The store of LANDING_URL, a folder in DATA_DIR where that is empty. The client of S3 is loaded only where it is needed. */
export async function openLanding({ LANDING_URL, DATA_DIR, STORE_TIMEOUT_MS }: Config): Promise<LandingStore> {
  const place = LANDING_URL ?? { kind: 'folder' as const, path: join(DATA_DIR, 'landing') };
  if (place.kind === 'folder') return openFolderStore(place.path, { maxBytes: MAX_BYTES });
  const { openS3Store } = await import('./s3.ts');
  return openS3Store(place, { timeoutMs: STORE_TIMEOUT_MS * PATIENCE, maxBytes: MAX_BYTES });
}
