/** The model's buffers in a step: which of them a forward has changed, and forwards that leave them as they are. */
import type { Tensor, Variable } from "@ermine/core";
import { currentTrace } from "@ermine/core/backend";
import type { Update } from "./outcome.js";

/** Runs fn. @returns its result, and the float32 values of the buffers that it has changed */
export function withChanged<T>(buffers: readonly Variable[], fn: () => T): readonly [T, Tensor[]] {
  const watched = buffers.filter(({ type }) => type.dtype === "float32");
  const trace = currentTrace();
  // Reading one in a trace would make it part of the program, used or not.
  const before = trace === undefined ? watched.map(({ value }) => value) : [];
  const result = fn();
  const changed = watched.filter((buffer, i) => (trace === undefined ? buffer.value !== before[i] : trace.isWritten(buffer)));
  return [result, changed.map(({ value }) => value)];
}

/** Runs fn. @returns its result, and the new values of the buffers, which are as they were */
export function withholdBuffers<T>(buffers: readonly Variable[], fn: () => T): readonly [T, Update[]] {
  const before = buffers.map(({ value }) => value);
  const result = fn();
  const updates = buffers.flatMap((buffer, i): Update[] => {
    const { value } = buffer;
    if (value === before[i]) return [];
    buffer.value = before[i]!;
    return [[buffer, value]];
  });
  return [result, updates];
}
