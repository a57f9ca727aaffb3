/** The way out of one event stream: the same as a WebSocket's, with other frames. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Config } from '../config.ts';
import { asciiJson, SocketOutlet } from './outlet.ts';

/** An event as it goes over the wire; `data` is JSON on one line, or nothing. */
export function eventOf(event: 'next' | 'complete', data: string, id: string | null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${asciiJson(data)}\n\n`;
}

export class SseOutlet extends SocketOutlet {
  readonly kind = 'sse';

  /** A client that reads nothing for SOCKET_STUCK_MS is cut off; it comes back by itself, with its last id. */
  constructor(response: ServerResponse, limits: Pick<Config, 'SOCKET_BUFFER_BYTES' | 'SOCKET_STUCK_MS'>) {
    super({
      stream: response,
      isOpen: () => !response.writableEnded && !response.destroyed,
      maxBuffered: limits.SOCKET_BUFFER_BYTES,
      stuckMs: limits.SOCKET_STUCK_MS,
      onStuck: () => response.destroy(),
    });
  }

  frame(_name: string, payload: string, cursor: string | null): string {
    return `${cursor === null ? '' : `id: ${cursor}\n`}event: next\ndata: ${payload}\n\n`;
  }
}

/** Ends a stream after what was sent; resolves when it is closed. */
export async function endStream(outlet: SseOutlet, response: ServerResponse): Promise<void> {
  outlet.flush();
  if (response.closed) return;
  const closed = once(response, 'close');
  response.end();
  await closed;
}
