/**
 * Empties the live store. The worker `live` finds its place gone with the next event, begins new epochs and reads its topics
 * from their beginning, as it does when Redis comes back empty: whoever follows is told, and cursors from before are void.
 */
import type { Task } from '../task.ts';

/** Throws LiveStoreUnavailable. */
export const clearLive: Task = {
  name: 'clear_live',
  async run({ platform }) {
    await platform.live.clear();
    return { rowsIn: 0, rowsOut: 0 };
  },
};
