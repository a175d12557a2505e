/** Optimizers' steps: a parameter and its slots in one pass. And whether gradients may be taken. */
import type { Op } from "@ermine/core/define";
import { ErmineError } from "@ermine/core";
import { costs, kinds, sizes } from "../generated/instructions.js";
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

/**
 * The op that an update is in a graph whose gradient is some rows, set into zeros: inputs (parameter, indices, rows, slots…, scalars), the attributes are the
 * update's. compiled/tables.ts makes it.
 */
export const tableUpdateOp: Op = {
  name: "tableUpdate",
  inputs: [{ name: "operands", variadic: true }],
  infer() {
    throw new ErmineError("ERMINE_USAGE", "tableUpdate is made by the cpu backend's compiler and has no shape rule.");
  },
};

/** Is it an update that has a kernel? */
export const isUpdate = (name: string | undefined): boolean => name !== undefined && updateOps.includes(name);

export const tableUpdate: Lowering = {
  dtypes: ["float32"],
  inPlace: true,
  readsOwnPlace: (input) => input !== 1 && input !== 2,
  lookup: ([table]) => ({ input: 1, size: table!.shape[0]! }),
  emit(e, inputs, outputs, { form }) {
    const { kind, cost, slots } = updateKernels[form as string]!;
    const [parameter, indices, rows, ...slotsAndScalars] = inputs as readonly [Operand, Operand, Operand, ...Operand[]];
    const scalars = slotsAndScalars.pop()!.address;
    const [size, inner] = parameter.shape as [number, number];
    const first = e.shared(size);
    e.emit("firstRows", first, indices.address, size, sizeOf(indices.shape));
    const scratch = e.scratch(sizes.tableBlock + 4 + 2 * slots + 3);
    const operands = [...outputs, parameter, ...slotsAndScalars].map(({ address }) => address);
    splitRange(e, size * inner, cost, 4, (from, count) =>
      e.emit("updateTable", kind, scalars, from, count, inner, first, rows.address, slots, scratch, ...operands),
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
