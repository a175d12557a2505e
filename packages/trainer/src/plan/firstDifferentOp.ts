/** Goes through an entry op by op on two backends: each op on the numbers that the first backend gave the ones before it. */
import { scope, tensor, withBackend, type Backend, type Tensor, type TypedArray } from "@ermine/core";
import type { Feed, OpObserver } from "@ermine/core/backend";
import { apply, withDomain } from "@ermine/core/define";
import type { Engine } from "../step/engine.js";
import { changeDifference, difference, largest } from "./difference.js";

/** A tensor's numbers, asked for while it lives. */
interface Snapshot extends Pick<Tensor, "shape" | "dtype" | "domain"> {
  readonly data: Promise<TypedArray>;
}

/** An op as it ran. */
interface OpCall {
  readonly op: Parameters<typeof apply>[0];
  readonly inputs: readonly (Snapshot | undefined)[];
  readonly outputs: readonly Snapshot[];
  readonly attributes: Parameters<typeof apply>[2];
  readonly layer: string;
}

export interface DifferentOp {
  readonly op: string;
  readonly layer: string;
  readonly error: number;
}

/** Runs the entry eagerly on the engine's backend and each of its ops on `other` too. The entry's variables change as it says. */
export async function firstDifferentOp(
  engine: Engine,
  entry: string,
  feeds: Readonly<Record<string, Feed>>,
  otherBackend: Backend,
  tolerance: number,
): Promise<DifferentOp | undefined> {
  const calls: OpCall[] = [];
  const snapshots = new WeakMap<Tensor, Snapshot>();
  const snapshot = (t: Tensor): Snapshot => {
    const captured = snapshots.get(t) ?? { data: t.data(), shape: t.shape, dtype: t.dtype, domain: t.domain };
    snapshots.set(t, captured);
    return captured;
  };
  const observe: OpObserver = (op, outputs, layer, inputs, attributes) => {
    calls.push({ op, inputs: inputs.map((t) => t && snapshot(t)), outputs: outputs.map(snapshot), attributes, layer });
  };
  await engine.runEagerly(entry, feeds, { observe, holds: () => false });
  for (const call of calls) {
    const error = await errorOf(call, otherBackend);
    if (error > tolerance) return { op: call.op.name, layer: call.layer, error };
  }
  return undefined;
}

async function errorOf({ op, inputs, outputs, attributes }: OpCall, otherBackend: Backend): Promise<number> {
  const inputData = await Promise.all(inputs.map(async (t) => t && { ...t, data: await t.data }));
  const copies = inputData.map((t) => t && withDomain(tensor(t.data, { shape: t.shape as number[], dtype: t.dtype }), t.domain));
  const otherOutputs = withBackend(otherBackend, () => scope(() => apply(op, copies, attributes)));
  try {
    let largestError = 0;
    for (const [i, output] of outputs.entries()) {
      const [a, b] = [await output.data, await otherOutputs[i]!.data()];
      // Each number of the output is made of so many of the inputs': rounding adds up.
      const share = Math.sqrt(
        Math.max(1, ...inputData.map((t) => (t === undefined ? 1 : t.data.length / Math.max(1, a.length)))),
      );
      const scale = share * Math.max(largest(a), ...inputData.map((t) => (t === undefined ? 0 : largest(t.data))));
      const before = op.successorOf?.(i);
      const from = before === undefined ? undefined : inputData[before]?.data;
      largestError = Math.max(largestError, from === undefined ? difference(a, b, scale) : changeDifference(from, a, b));
    }
    return largestError;
  } finally {
    for (const t of [...otherOutputs, ...copies]) t?.dispose();
  }
}
