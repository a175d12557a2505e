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
interface Seen {
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
  other: Backend,
  tolerance: number,
): Promise<DifferentOp | undefined> {
  const seen: Seen[] = [];
  const known = new WeakMap<Tensor, Snapshot>();
  const snapshot = (t: Tensor): Snapshot => {
    const found = known.get(t) ?? { data: t.data(), shape: t.shape, dtype: t.dtype, domain: t.domain };
    known.set(t, found);
    return found;
  };
  const observe: OpObserver = (op, outputs, layer, inputs, attributes) => {
    seen.push({ op, inputs: inputs.map((t) => t && snapshot(t)), outputs: outputs.map(snapshot), attributes, layer });
  };
  await engine.runEagerly(entry, feeds, { observe, holds: () => false });
  for (const one of seen) {
    const error = await errorOf(one, other);
    if (error > tolerance) return { op: one.op.name, layer: one.layer, error };
  }
  return undefined;
}

async function errorOf({ op, inputs, outputs, attributes }: Seen, other: Backend): Promise<number> {
  const given = await Promise.all(inputs.map(async (t) => t && { ...t, data: await t.data }));
  const copies = given.map((t) => t && withDomain(tensor(t.data, { shape: t.shape as number[], dtype: t.dtype }), t.domain));
  const again = withBackend(other, () => scope(() => apply(op, copies, attributes)));
  try {
    let worst = 0;
    for (const [i, output] of outputs.entries()) {
      const [a, b] = [await output.data, await again[i]!.data()];
      // Each number of the output is made of so many of the inputs': rounding adds up.
      const share = Math.sqrt(Math.max(1, ...given.map((t) => (t === undefined ? 1 : t.data.length / Math.max(1, a.length)))));
      const scale = share * Math.max(largest(a), ...given.map((t) => (t === undefined ? 0 : largest(t.data))));
      const before = op.successorOf?.(i);
      const from = before === undefined ? undefined : given[before]?.data;
      worst = Math.max(worst, from === undefined ? difference(a, b, scale) : changeDifference(from, a, b));
    }
    return worst;
  } finally {
    for (const t of [...again, ...copies]) t?.dispose();
  }
}
