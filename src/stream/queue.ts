/** What waits, oldest first. The one that is about the same thing is found at once, and taken out from anywhere. */
export class Queue<Item> {
  private oldest: Node<Item> | null = null;
  private newest: Node<Item> | null = null;
  private readonly byKey = new Map<string, Node<Item>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get first(): Item | null {
    return this.oldest?.item ?? null;
  }

  get last(): Item | null {
    return this.newest?.item ?? null;
  }

  /** Adds at the end. Null is no key. */
  push(item: Item, key: string | null): void {
    const node: Node<Item> = { item, key, before: this.newest, after: null };
    if (this.newest) this.newest.after = node;
    else this.oldest = node;
    this.newest = node;
    this.count += 1;
    if (key !== null) this.byKey.set(key, node);
  }

  /** Takes the oldest out. */
  shift(): Item | null {
    return this.oldest && this.unlink(this.oldest);
  }

  /** Takes out the newest with this key; returns it and what followed it. */
  takeKey(key: string): { gone: Item; next: Item | null } | null {
    const node = this.byKey.get(key);
    if (!node) return null;
    return { gone: this.unlink(node), next: node.after?.item ?? null };
  }

  private unlink(node: Node<Item>): Item {
    const { before, after, key, item } = node;
    if (before) before.after = after;
    else this.oldest = after;
    if (after) after.before = before;
    else this.newest = before;
    this.count -= 1;
    if (key !== null && this.byKey.get(key) === node) this.byKey.delete(key);
    return item;
  }
}

interface Node<Item> {
  readonly item: Item;
  readonly key: string | null;
  before: Node<Item> | null;
  after: Node<Item> | null;
}
