/** A connection that ends with a RST. */
import type { Socket } from 'node:net';

/**
 * Cuts it off. One that is just being shut down in order can't be reset: Node takes it for closed while libuv does not, and
 * the process then never ends.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
