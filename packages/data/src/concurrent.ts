/** Items that take their time, several under way at once, in their order. */
import { isAsync, type Items } from "./stages.js";

/** A promise that nobody awaits yet: what it throws is thrown where it is awaited. */
function started<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Something else for each item, at most `limit` at a time. @param first the index of the first item */
export async function* concurrent<T, U>(
  items: Items<T>,
  fn: (item: T, index: number) => Promise<U>,
  limit: number,
  first: number,
): AsyncGenerator<U> {
  const iterator = isAsync(items) ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const running: Promise<U>[] = [];
  let index = first;
  let ended = false;
  try {
    for (;;) {
      while (!ended && running.length < limit) {
        const result = await iterator.next();
        if (result.done === true) ended = true;
        else running.push(started(callLater(fn, result.value, index++)));
      }
      const oldest = running.shift();
      if (oldest === undefined) return;
      yield await oldest;
    }
  } finally {
    await Promise.allSettled(running);
    if (!ended) await iterator.return?.();
  }
}

const callLater = async <T, U>(fn: (item: T, index: number) => Promise<U>, item: T, index: number): Promise<U> => fn(item, index);

/** The same items, of which `count` more than the one in use are asked for. */
export async function* ahead<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  const asked: Promise<IteratorResult<T>>[] = [];
  try {
    for (;;) {
      while (asked.length <= count) asked.push(started(iterator.next()));
      const result = await asked.shift()!;
      if (result.done === true) return;
      // The next one is under way while this one is used.
      asked.push(started(iterator.next()));
      yield result.value;
    }
  } finally {
    await Promise.allSettled(asked);
    await iterator.return?.();
  }
}
