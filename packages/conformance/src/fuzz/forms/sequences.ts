/** Padded sequences and where their steps are, and steps of recurrent cells. */
import type { Builder } from "../builder.js";
import type { Ref } from "../program.js";
import { form, type Form } from "./form.js";

/** A tensor (N, T, …) and a length for each of N. */
function padded(b: Builder): readonly [x: Ref, lengths: Ref] {
  const x = b.float({ ranks: [2, 4] });
  const [batch, steps] = b.shapeOf(x) as readonly [number, number];
  return [x, b.indices([batch], steps + 1)];
}

export const sequences: readonly Form[] = [
  form("sequenceMask", (b) => {
    const steps = b.size();
    return b.call("sequenceMask", b.indices([b.size()], steps + 1), steps);
  }),
  ...["sequenceMean", "sequenceMax", "sequenceLast"].map((name) => form(name, (b) => b.call(name, ...padded(b)), 0.5)),
  form("sinusoidalPositions", (b) =>
    b.call("sinusoidalPositions", b.size(), b.random.integer(1, 5), b.random.chance(0.5) ? { base: 100 } : {}),
  ),
  ...(
    [
      ["lstmCellOp", 4],
      ["gruCellOp", 3],
    ] as const
  ).map(([name, gates]) =>
    form(
      "apply1",
      (b) => {
        const [rows, size] = [b.size(), b.random.integer(1, 9)];
        const sums = [rows, gates * size];
        return b.call(
          "apply1",
          { name },
          [b.float({ shape: sums }), b.float({ shape: sums }), b.float({ shape: [rows, size] })],
          {},
        );
      },
      0.5,
    ),
  ),
  form("rotary", (b) => {
    const x = b.float({ ranks: [2, 4], fits: (shape) => shape.at(-1)! > 0 && shape.at(-1)! % 2 === 0 });
    return b.call("rotary", x, b.random.pick([{}, { pairs: "halves" }, { base: 100 }]));
  }),
];
