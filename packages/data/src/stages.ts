/** Steps from items to items, written once for iterators and asynchronous iterators. */

/** Items of a pass. */
export type Items<T> = Iterable<T> | AsyncIterable<T>;

/** One step: it is given items in order, and emits others. */
export interface Stage<T, U> {
  push(item: T, emit: (item: U) => void): void;
  /** After the last item. Default: nothing more is emitted. */
  finish?(emit: (item: U) => void): void;
  /** Does it take no more items? */
  readonly isDone?: boolean;
}

export const isAsync = <T>(items: Items<T>): items is AsyncIterable<T> => Symbol.asyncIterator in items;

/** What the stage makes of the items. */
export const throughStage = <T, U>(items: Items<T>, stage: Stage<T, U>): Items<U> =>
  isAsync(items) ? asynchronous(items, stage) : synchronous(items, stage);

function* synchronous<T, U>(items: Iterable<T>, stage: Stage<T, U>): Generator<U> {
  const ready: U[] = [];
  const emit = (item: U): void => void ready.push(item);
  if (stage.isDone === true) return;
  for (const item of items) {
    stage.push(item, emit);
    yield* ready;
    ready.length = 0;
    if (stage.isDone) return;
  }
  stage.finish?.(emit);
  yield* ready;
}

async function* asynchronous<T, U>(items: AsyncIterable<T>, stage: Stage<T, U>): AsyncGenerator<U> {
  const ready: U[] = [];
  const emit = (item: U): void => void ready.push(item);
  if (stage.isDone === true) return;
  for await (const item of items) {
    stage.push(item, emit);
    yield* ready;
    ready.length = 0;
    if (stage.isDone) return;
  }
  stage.finish?.(emit);
  yield* ready;
}

/** One after the other. */
export const chained = <T>(parts: readonly Items<T>[]): Items<T> =>
  parts.some(isAsync) ? chainedAsync(parts) : chainedSync(parts as readonly Iterable<T>[]);

function* chainedSync<T>(parts: readonly Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part;
}

async function* chainedAsync<T>(parts: readonly Items<T>[]): AsyncGenerator<T> {
  for (const part of parts) yield* part;
}
