/** Who listens to which stream. */
export class Audience<Listener> {
  private readonly byStream = new Map<string, Set<Listener>>();

  add(stream: string, listener: Listener): void {
    const listeners = this.byStream.get(stream) ?? new Set();
    this.byStream.set(stream, listeners.add(listener));
  }

  remove(stream: string, listener: Listener): void {
    const listeners = this.byStream.get(stream);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.byStream.delete(stream);
  }

  /** Undefined where nobody does. */
  of(stream: string): ReadonlySet<Listener> | undefined {
    return this.byStream.get(stream);
  }
}
