/** Optimizer updates: a parameter and its slots in one pass, and whether gradients may be taken. */
import { float } from "../emitter.js";
import { costs, kinds } from "../generated/instructions.js";
import { sizeOf, type Lowering, type Operand } from "./operand.js";
import { splitRange } from "./split.js";

type Update = {
  options: {
    weightDecay: number;
    maximize: boolean;
    decoupledWeightDecay?: boolean;
    beta1: number;
    beta2: number;
    epsilon: number;
    momentum: number;
    nesterov: boolean;
  };
};

const behind = (operand: Operand | undefined, numbers: number): number =>
  operand === undefined ? 0 : operand.address + 4 * numbers;

const adam = (decoupled: boolean): Lowering => ({
  dtypes: ["float32"],
  // A parameter, its gradient, two moments, the scalars. amsgrad has a third moment.
  supports: (inputs) => inputs.length === 5,
  inPlace: true,
  emit(e, [p, g, m, v, scalars], [p2, m2, v2], attributes) {
    const { beta1, beta2, epsilon, weightDecay, maximize, decoupledWeightDecay } = (attributes as Update).options;
    const flags = (weightDecay === 0 ? 0 : 1) + (decoupled || decoupledWeightDecay ? 2 : 0) + (maximize ? 4 : 0);
    splitRange(e, sizeOf(p!.shape), costs.adam, 4, (from, size) => {
      const at = (t: Operand | undefined): number => behind(t, from);
      e.emit("adam", at(p2), at(m2), at(v2), at(p), at(g), at(m), at(v), scalars!.address, size, float(beta1), float(beta2), float(epsilon), flags);
    });
  },
});

const sgd: Lowering = {
  dtypes: ["float32"],
  inPlace: true,
  emit(e, inputs, [p2, b2], attributes) {
    const { momentum, nesterov, weightDecay, maximize } = (attributes as Update).options;
    const [p, g, ...rest] = inputs as readonly Operand[];
    const scalars = rest.at(-1)!;
    const buffer = rest.length > 1 ? rest[0] : undefined;
    const flags = (weightDecay === 0 ? 0 : 1) + (nesterov ? 2 : 0) + (maximize ? 4 : 0);
    splitRange(e, sizeOf(p!.shape), costs.sgd, 4, (from, size) => {
      const at = (t: Operand | undefined): number => behind(t, from);
      e.emit("sgd", at(p2), at(b2), at(p), at(g), at(buffer), scalars.address, size, float(momentum), flags);
    });
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

export const updates: readonly (readonly [string, Lowering])[] = Object.entries({
  adamUpdate: adam(false),
  adamwUpdate: adam(true),
  sgdUpdate: sgd,
  allFinite,
});
