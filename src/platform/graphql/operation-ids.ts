/**
 * Operations by the client's own ids. One that a client has completed takes a moment to end, and longer while it is still
 * being begun; graphql-ws would take a new one of the same id for the old, say `complete` for it and forget it. So the new
 * one waits until the old has ended.
 */

/** An operation from its message to its end. */
interface Use {
  /** The client has completed it. */
  isCompleted: boolean;
  /** The message that begins the next one. */
  next: string | null;
}

/** Where messages go that need not wait. */
export interface MessageRunner {
  /** Takes a message; resolves, never rejects, when what it began has ended. */
  run(message: string): Promise<void> | undefined;
  /** The client uses an id for two at once. */
  inUse(id: string): void;
}

function read(message: string): { type?: unknown; id?: unknown } {
  try {
    const value: unknown = JSON.parse(message);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Of one connection. */
export class OperationIds {
  private uses: Map<string, Use> | null = null;

  constructor(private readonly to: MessageRunner) {}

  /** Takes the next message of the client. */
  take(message: string): void {
    const { type, id } = read(message);
    const use = typeof id === 'string' ? this.uses?.get(id) : undefined;
    if (type === 'complete' && use) {
      use.isCompleted = true;
      use.next = null;
    }
    if (type !== 'subscribe' || typeof id !== 'string' || (use && !use.isCompleted)) void this.to.run(message);
    else if (!use) this.begin(id, message);
    else if (use.next === null) use.next = message;
    else this.to.inUse(id);
  }

  private begin(id: string, message: string): void {
    const use: Use = { isCompleted: false, next: null };
    this.uses ??= new Map();
    this.uses.set(id, use);
    void Promise.resolve(this.to.run(message)).then(() => {
      this.uses?.delete(id);
      if (use.next !== null) this.begin(id, use.next);
    });
  }
}
