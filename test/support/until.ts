/**
 * Waits for a condition instead of sleeping. Resolves with the first value that is not false, null or undefined; rejects
 * after `timeoutMs` with what was waited for (asked then, where it is a function), and with the last error if the condition
 * threw.
 */
export async function until<T>(
  what: string | (() => string),
  condition: () => T | Promise<T>,
  { timeoutMs = 15_000, everyMs = 25 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value as NonNullable<Exclude<T, false>>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}`, { cause: last });
    }
    await new Promise((next) => setTimeout(next, everyMs));
  }
}
