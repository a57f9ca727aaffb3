/** A bare WebSocket client for the tests of stand-ins: keeps every frame as text. */
import WebSocket from 'ws';

export interface StreamClient {
  socket: WebSocket;
  frames: string[];
  /** Resolves with code and reason once the connection has ended. */
  closed: Promise<{ code: number; reason: string }>;
  /** Sends a message (JSON unless text), and resolves with the next frame that is a reply to one. */
  ask(message: unknown): Promise<Record<string, unknown>>;
  /** Resolves when `condition` holds of the frames; rejects after 5 s. */
  until(condition: (frames: string[]) => boolean): Promise<void>;
  close(): void;
}

/** Connects. Rejects when the server refuses. */
export async function connect(url: string, options: WebSocket.ClientOptions = {}): Promise<StreamClient> {
  const socket = new WebSocket(url, options);
  const frames: string[] = [];
  const watchers = new Set<() => void>();
  socket.on('message', (data) => {
    frames.push(data.toString());
    for (const watch of watchers) watch();
  });
  const closed = new Promise<{ code: number; reason: string }>((done) => {
    socket.on('close', (code, reason) => done({ code, reason: reason.toString() }));
  });
  await new Promise<void>((done, fail) => {
    socket.once('open', done);
    socket.once('error', fail);
  });
  socket.on('error', () => {});

  const until = (condition: (frames: string[]) => boolean) =>
    new Promise<void>((done, fail) => {
      const timer = setTimeout(() => {
        watchers.delete(watch);
        fail(new Error(`waited 5 s; the last frames: ${frames.slice(-3).join('\n')}`));
      }, 5_000);
      const watch = () => {
        if (!condition(frames)) return;
        clearTimeout(timer);
        watchers.delete(watch);
        done();
      };
      watchers.add(watch);
      watch();
    });

  return {
    socket,
    frames,
    closed,
    until,
    ask: async (message) => {
      const from = frames.length;
      const isReply = (frame: string) => !frame.includes('"e":') && /"(result|code)":/.test(frame);
      socket.send(typeof message === 'string' ? message : JSON.stringify(message));
      let next = from;
      await until((f) => {
        // each frame is looked at once: there may be very many before the reply
        while (next < f.length && !isReply(f[next] as string)) next += 1;
        return next < f.length;
      });
      return JSON.parse(frames[next] as string) as Record<string, unknown>;
    },
    close: () => socket.terminate(),
  };
}

/** Polls until `condition` holds; rejects after 5 s. */
export async function eventually(condition: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('waited 5 s');
    await new Promise((done) => setTimeout(done, 5));
  }
}
