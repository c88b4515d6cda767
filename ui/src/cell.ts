// A value that views watch. The page's whole state is a handful of these (state.ts).
import { useLayoutEffect, useState } from "preact/hooks";

export class Cell<T> {
  private watchers = new Set<() => void>();
  constructor(private held: T) {}

  get value(): T {
    return this.held;
  }

  set value(next: T) {
    if (Object.is(next, this.held)) return;
    this.held = next;
    this.watchers.forEach((watch) => watch());
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

/** Calls back at each change from `seen` on: also at once, where it has changed since it was looked at. */
export function watchFrom<T>(cell: Cell<T>, seen: T, changed: () => void): () => void {
  const end = cell.watch(changed);
  if (!Object.is(cell.value, seen)) changed();
  return end;
}

/** An answer can come between a view's drawing and its watching; a view that missed it would wait for the next one. */
export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useState(0);
  const seen = cell.value;
  useLayoutEffect(() => watchFrom(cell, seen, () => redraw((n) => n + 1)), [cell]);
  return seen;
}
