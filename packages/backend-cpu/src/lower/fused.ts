/** Composites with kernels of their own: softmax, losses and optimizer updates, forward and backward. */
import { float } from "../emitter.js";
import { around, sizeOf, type Lowering, type Operand } from "./operand.js";

const softmax = (logarithm: 0 | 1): Lowering => ({
  dtypes: ["float32"],
  emit: (e, [x], [y], attributes) =>
    e.emit("softmax", y!.address, x!.address, ...around(x!.shape, attributes["axis"] as number), logarithm),
});

const softmaxGradient = (logarithm: 0 | 1): Lowering => ({
  dtypes: ["float32"],
  emit(e, [g, , y], [d], attributes) {
    e.emit("softmaxGradient", d!.address, g!.address, y!.address, ...around(d!.shape, attributes["axis"] as number), logarithm);
  },
});

type CrossEntropy = { ignoreIndex: number; labelSmoothing: number };

/** (N, K) logits against indices; other shapes and distributions are decomposed. */
export const rowsOfIndices = (logits: Operand, target: Operand): boolean => logits.shape.length === 2 && target.dtype === "int32";

const crossEntropyElements: Lowering = {
  dtypes: ["float32"],
  emit(e, [z, target, weight], [value, normalizer], attributes) {
    const { ignoreIndex, labelSmoothing } = attributes as CrossEntropy;
    const [rows, classes] = z!.shape as [number, number];
    const counted = normalizer?.address ?? e.scratch(rows, classes + 8);
    e.emit(
      "crossEntropy",
      value!.address,
      counted,
      z!.address,
      target!.address,
      weight?.address ?? 0,
      rows,
      classes,
      e.scratch(classes),
      ignoreIndex,
      float(labelSmoothing),
    );
  },
};

const crossEntropyElementsGradient: Lowering = {
  dtypes: ["float32"],
  emit(e, [g, , z, target, weight], [d], attributes) {
    const { ignoreIndex, labelSmoothing } = attributes as CrossEntropy;
    const [rows, classes] = z!.shape as [number, number];
    e.emit(
      "crossEntropyGradient",
      d!.address,
      g!.address,
      z!.address,
      target!.address,
      weight?.address ?? 0,
      rows,
      classes,
      e.scratch(classes),
      ignoreIndex,
      float(labelSmoothing),
    );
  },
};

const bceWithLogitsElements: Lowering = {
  dtypes: ["float32"],
  inPlace: true,
  emit: (e, [z, y], [value]) => e.emit("bceWithLogits", value!.address, z!.address, y!.address, sizeOf(value!.shape)),
};

const bceWithLogitsElementsGradient: Lowering = {
  dtypes: ["float32"],
  inPlace: true,
  emit: (e, [g, z, y], [d]) =>
    e.emit("bceWithLogitsGradient", d!.address, g!.address, z!.address, y!.address, sizeOf(d!.shape), 1),
};

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

const adam = (decoupled: boolean): Lowering => ({
  dtypes: ["float32"],
  inPlace: true,
  emit(e, [p, g, m, v, scalars], [p2, m2, v2], attributes) {
    const { beta1, beta2, epsilon, weightDecay, maximize, decoupledWeightDecay } = (attributes as Update).options;
    const flags = (weightDecay === 0 ? 0 : 1) + (decoupled || decoupledWeightDecay ? 2 : 0) + (maximize ? 4 : 0);
    const places = [p2!, m2!, v2!, p!, g!, m!, v!, scalars!].map((t) => t.address);
    e.emit("adam", ...places, sizeOf(p!.shape), float(beta1), float(beta2), float(epsilon), flags);
  },
});

const sgd: Lowering = {
  dtypes: ["float32"],
  inPlace: true,
  emit(e, inputs, [p2, b2], attributes) {
    const { momentum, nesterov, weightDecay, maximize } = (attributes as Update).options;
    const [p, g, ...rest] = inputs as readonly Operand[];
    const scalars = rest.at(-1)!;
    const flags = (weightDecay === 0 ? 0 : 1) + (nesterov ? 2 : 0) + (maximize ? 4 : 0);
    e.emit(
      "sgd",
      p2!.address,
      b2?.address ?? 0,
      p!.address,
      g!.address,
      rest.length > 1 ? rest[0]!.address : 0,
      scalars.address,
      sizeOf(p!.shape),
      float(momentum),
      flags,
    );
  },
};

const allFinite: Lowering = {
  dtypes: ["float32"],
  emit: (e, [x], [y]) => e.emit("allFinite", y!.address, x!.address, sizeOf(x!.shape)),
};

export const fused: readonly (readonly [string, Lowering])[] = Object.entries({
  softmax: softmax(0),
  logSoftmax: softmax(1),
  softmaxGradient: softmaxGradient(0),
  logSoftmaxGradient: softmaxGradient(1),
  crossEntropyElements,
  crossEntropyElementsGradient,
  bceWithLogitsElements,
  bceWithLogitsElementsGradient,
  adamUpdate: adam(false),
  adamwUpdate: adam(true),
  sgdUpdate: sgd,
  allFinite,
});
