// What is open now, the oldest first: for what is opened and closed all the time. A Set leaves a table behind each time that it
// is full, and the old ones hold what was in them: with requests in it, most of them would outlive a small collection.
// Pure.

/** For at most some hundred at once: what closes is looked for. */
export class OpenList<T> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  add(item: T): void {
    this.items.push(item);
  }

  /** False where it is not in it. */
  delete(item: T): boolean {
    const { items } = this;
    const at = items.indexOf(item);
    if (at < 0) return false;
    items.copyWithin(at, at + 1);
    items.pop();
    return true;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.items[Symbol.iterator]();
  }
}
