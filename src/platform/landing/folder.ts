/** The landing store in a local folder. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type LandingBounds, type LandingStore, LandingTooLarge, LandingUnavailable } from './store.ts';

/** Runs `work`; null where there is no such file or folder. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (error instanceof LandingTooLarge || error instanceof RangeError) throw error;
    throw new LandingUnavailable(message, { cause: error });
  }
}

/** Errors of platforms that sync no folders. */
const NO_FOLDERS: readonly unknown[] = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF'];

/** Makes what a folder lists durable, where the platform can. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!NO_FOLDERS.includes((error as NodeJS.ErrnoException).code)) throw error;
  }
}

/** A store below `root`, which is made when something is written. */
export function openFolderStore(
  root: string,
  { maxBytes, pageKeys = 1_000 }: Omit<LandingBounds, 'timeoutMs'>,
): LandingStore {
  function pathOf(key: string): string {
    const parts = key.split('/');
    if (parts.some((part) => part === '' || part.startsWith('.'))) throw new RangeError(`not a key: ${key}`);
    return join(root, ...parts);
  }

  /** Folders that are known to be listed durably in the one above them: days, and what they lie in. */
  const listed = new Set<string>();
  async function syncFolders(inner: string): Promise<void> {
    await syncFolder(inner);
    for (let folder = resolve(inner); folder !== dirname(folder) && !listed.has(folder); folder = dirname(folder)) {
      await syncFolder(dirname(folder));
      listed.add(folder);
    }
  }

  /** Keys below a folder in the order of a bucket's listing, where a folder's name counts with the slash behind it. */
  async function* walk(folder: string, prefix: string, after: string): AsyncGenerator<string> {
    const entries = (await ifThere(() => readdir(join(root, folder), { withFileTypes: true }))) ?? [];
    const keys = entries
      // what is being written begins with a dot
      .filter((entry) => !entry.name.startsWith('.'))
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`)
      .filter((key) => key.startsWith(prefix) || (key.endsWith('/') && prefix.startsWith(key)))
      .filter((key) => key > after || after.startsWith(key))
      .sort();
    for (const key of keys) {
      if (key.endsWith('/')) yield* walk(key, prefix, after);
      else if (key > after) yield key;
    }
  }

  return {
    async write({ key, bytes }) {
      const path = pathOf(key);
      const aside = join(dirname(path), `.${randomBytes(8).toString('hex')}`);
      try {
        await mkdir(dirname(path), { recursive: true });
        const file = await open(aside, 'w', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(aside, path);
        await syncFolders(dirname(path));
      } catch (error) {
        await rm(aside, { force: true }).catch(() => {});
        throw new LandingUnavailable((error as Error).message, { cause: error });
      }
    },
    async *list(prefix, after = '') {
      let page: string[] = [];
      for await (const key of walk('', prefix, after)) {
        page.push(key);
        if (page.length < pageKeys) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    },
    read: (key) =>
      ifThere(async () => {
        const { size } = await stat(pathOf(key));
        if (size > maxBytes) throw new LandingTooLarge(`${size} bytes`);
        return readFile(pathOf(key));
      }),
    async delete(key) {
      await ifThere(() => rm(pathOf(key)));
    },
    close() {},
  };
}
