/** The server's end of one client connection, as far as it is the same on every exchange. */
import type { WebSocket } from 'ws';

/** A client that lets this much pile up is cut off. */
const MAX_BUFFERED = 32 * 1024 * 1024;

export abstract class Peer {
  protected readonly socket: WebSocket;
  private frozen = false;

  constructor(socket: WebSocket) {
    this.socket = socket;
  }

  close(code: number, reason: string): void {
    if (!this.frozen) this.socket.close(code, reason);
  }

  /** Neither reads nor writes from now on, yet stays connected: a peer lost without a word. */
  freeze(): void {
    this.frozen = true;
    this.stopTimers();
    this.socket.pause();
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** Ends what would notice that the client is gone. */
  protected abstract stopTimers(): void;

  /** Sends it, unless the client is gone or frozen; false then. */
  protected write(data: string | Buffer): boolean {
    if (this.frozen || this.socket.readyState !== this.socket.OPEN) return false;
    if (this.socket.bufferedAmount > MAX_BUFFERED) this.socket.terminate();
    else this.socket.send(data);
    return true;
  }
}
