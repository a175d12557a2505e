/** A loop where graphs are interpreted: its body, node by node, once for each step. */
import type { KernelInput } from "../ir/contract.js";
import type { FeedNode, Value } from "../ir/graph.js";
import type { Held, Interpreter, Loop } from "../ir/loop.js";
import { concrete } from "../types/dim.js";
import { allocate } from "../types/dtype.js";
import type { Storage } from "../types/storage.js";

/** The outputs of the loop, which are the caller's. */
export function interpretLoop(
  { body, carried, sequences, reverse, length: steps }: Loop,
  { backend, copy, allOrNone, evaluate }: Interpreter,
  inputs: readonly KernelInput[],
  outputs: readonly Value[],
): readonly Storage[] {
  const length = steps as number;
  const positions = new Map(body.feeds.map((node, i) => [node, i]));
  const stacked: Storage[][] = body.outputs.slice(carried).map(() => []);
  let carry = allOrNone(inputs.slice(0, carried).map((input) => () => copy(input)));
  const stepOf = (i: number, t: number): Held => {
    const shape = concrete(body.feeds[i]!.outputs[0]!.type.shape);
    const { shape: all, dtype } = inputs[i]!;
    const sizes = [1, ...shape];
    const attributes = { starts: all.map((_, axis) => (axis === 0 ? t : 0)), steps: all.map(() => 1), sizes };
    const storage = backend.kernels["slice"]!([inputs[i]!], attributes, [{ shape: sizes, dtype }])[0]!;
    try {
      const row = { storage, shape: sizes, dtype };
      return { storage: backend.kernels["reshape"]!([row], { shape }, [{ shape, dtype }])[0]!, owned: true };
    } finally {
      backend.release(storage);
    }
  };
  const stackedAt = (i: number) => (): Storage => {
    const { shape, dtype } = body.outputs[carried + i]!.type;
    const sizes = [1, ...concrete(shape)];
    const rows = stacked[i]!.map((storage): KernelInput => ({ storage, shape: sizes, dtype }));
    const all = concrete(outputs[carried + i]!.type.shape);
    if (length === 0) return backend.upload(allocate(dtype, 0), all, dtype);
    return length === 1 ? copy(rows[0]!) : backend.kernels["concat"]!(rows, { axis: 0 }, [{ shape: all, dtype }])[0]!;
  };
  try {
    for (let k = 0; k < length; k++) {
      const t = reverse ? length - 1 - k : k;
      const fed = (node: FeedNode): Held => {
        const i = positions.get(node)!;
        if (i < carried) return { storage: carry[i]!, owned: false };
        return i < carried + sequences ? stepOf(i, t) : { storage: inputs[i]!.storage, owned: false };
      };
      const results = evaluate(body, fed);
      for (const storage of carry) backend.release(storage);
      carry = results.slice(0, carried);
      stacked.forEach((all, i) => (all[t] = results[carried + i]!));
    }
    const result = [...carry, ...allOrNone(stacked.map((_, i) => stackedAt(i)))];
    carry = [];
    return result;
  } finally {
    for (const storage of [...carry, ...stacked.flat()]) backend.release(storage);
  }
}
