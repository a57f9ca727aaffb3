/**
 * Operations by the client's own ids. One that a client has completed takes a moment to end, and longer while it is still
 * being begun; graphql-ws would take a new one of the same id for the old, say `complete` for it and forget it. So the new
 * one waits until the old has ended.
 */

/** An operation from its message to its end. */
interface Use {
  readonly id: string;
  /** The client has completed it. */
  isCompleted: boolean;
  /** The message that begins the next one. */
  next: string | null;
}

/** Where messages go that need not wait. */
export interface MessageRunner {
  /** Takes a message; calls back when what it began has ended, whichever way. */
  run(message: string, ended: () => void): void;
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

const NOTHING = (): void => {};
const NONE: readonly Use[] = [];

/** Of one connection. */
export class OperationIds {
  /** Few, and mostly one: a row is less than a map. */
  private uses: readonly Use[] = NONE;

  constructor(private readonly to: MessageRunner) {}

  /** Takes the next message of the client. */
  take(message: string): void {
    const { type, id } = read(message);
    const use = typeof id === 'string' ? this.uses.find((one) => one.id === id) : undefined;
    if (type === 'complete' && use) {
      use.isCompleted = true;
      use.next = null;
    }
    if (type !== 'subscribe' || typeof id !== 'string' || (use && !use.isCompleted)) this.to.run(message, NOTHING);
    else if (!use) this.begin(id, message);
    else if (use.next === null) use.next = message;
    else this.to.inUse(id);
  }

  private begin(id: string, message: string): void {
    const use: Use = { id, isCompleted: false, next: null };
    this.uses = this.uses.concat(use);
    this.to.run(message, () => this.ended(use));
  }

  private ended(use: Use): void {
    this.uses = this.uses.filter((one) => one !== use);
    if (use.next !== null) this.begin(use.id, use.next);
  }
}
