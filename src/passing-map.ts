/**
 * A map of what comes and goes by the thousands. When a Map makes itself a new table, the old one
 * goes on pointing to it; so once one table is old to V8's collector, every later one, and all that
 * it held, is kept until a full collection. Here tables hold cells, and what is deleted leaves its
 * cell.
 */
export class PassingMap<K, V> {
  readonly #cells = new Map<K, { value: V | undefined }>();

  get size(): number {
    return this.#cells.size;
  }

  has(key: K): boolean {
    return this.#cells.has(key);
  }

  get(key: K): V | undefined {
    return this.#cells.get(key)?.value;
  }

  /** A key that is there keeps its place in the order. */
  set(key: K, value: V): void {
    const cell = this.#cells.get(key);
    if (cell) cell.value = value;
    else this.#cells.set(key, { value });
  }

  /** @returns what was there. */
  delete(key: K): V | undefined {
    const cell = this.#cells.get(key);
    if (!cell) return undefined;
    this.#cells.delete(key);
    const { value } = cell;
    cell.value = undefined;
    return value;
  }

  /** In the order in which they came, also while some are deleted. */
  keys(): IterableIterator<K> {
    return this.#cells.keys();
  }

  /** Likewise. */
  *values(): Generator<V> {
    for (const { value } of this.#cells.values()) if (value !== undefined) yield value;
  }
}
