/** Optimizers' steps: a parameter and its slots in one pass. And whether gradients may be taken. */
import { costs, kinds } from "../generated/instructions.js";
import { updateKernels, updateOps } from "../generated/updates.js";
import { sizeOf, type Lowering, type Operand } from "./operand.js";
import { splitRange } from "./split.js";

/** Of (parameter, gradient, slots…, scalars), by the form in its attributes: what its chain of transformations does. */
const update: Lowering = {
  dtypes: ["float32"],
  inPlace: true,
  supports(inputs, { form, scalars }) {
    const kernel = updateKernels[form as string];
    return kernel?.slots === inputs.length - 3 && kernel.scalars === (scalars as readonly string[]).length;
  },
  emit(e, inputs, outputs, { form }) {
    const { kind, cost } = updateKernels[form as string]!;
    const operands = [...outputs, ...inputs.slice(0, -1)] as readonly Operand[];
    const scalars = inputs.at(-1)!.address;
    splitRange(e, sizeOf(outputs[0]!.shape), cost, 4, (from, size) =>
      e.emit("update", kind, scalars, size, ...operands.map(({ address }) => address + 4 * from)),
    );
  },
};

const allFinite: Lowering = {
  dtypes: ["float32"],
  emit(e, [x], [y]) {
    const count = sizeOf(x!.shape);
    let parts = 0;
    const answers = e.shared(64);
    splitRange(e, count, costs.allFinite, 4, (from, size) => {
      const answer = from === 0 && size === count ? y!.address : answers + 4 * parts++;
      e.emit("allFinite", answer, x!.address + 4 * from, size);
    });
    // The least of truths: whether all are.
    if (parts > 0) e.emit("reduce", kinds.reduction.minInt, y!.address, answers, 1, parts, 1);
  },
};

export const updates: readonly (readonly [string, Lowering])[] = [
  ...updateOps.map((name) => [name, update] as const),
  ["allFinite", allFinite],
];
