/** Composites with kernels of their own: softmax and losses, forward and backward. */
import type { TensorType } from "@ermine/core/backend";
import { float, type Emitter } from "../emitter.js";
import { costs, sizes } from "../generated/instructions.js";
import { around, sizeOf, type Lowering } from "./operand.js";
import { splitRange } from "./split.js";

/** Scratch for what the columns of an inner axis have in common. */
const columnScratch = (e: Emitter, inner: number): number => (inner === 1 ? 0 : e.scratch(2 * inner + 16));

const softmax = (logarithm: 0 | 1): Lowering => ({
  dtypes: ["float32"],
  emit(e, [x], [y], attributes) {
    const [outer, length, inner] = around(x!.shape, attributes["axis"] as number);
    splitRange(e, outer, length * inner * costs.softmax, 1, (from, size) => {
      const at = 4 * from * length * inner;
      e.emit("softmax", y!.address + at, x!.address + at, size, length, inner, logarithm, columnScratch(e, inner));
    });
  },
});

const softmaxGradient = (logarithm: 0 | 1): Lowering => ({
  dtypes: ["float32"],
  unusedInputs: [1],
  emit(e, [g, , y], [d], attributes) {
    const [outer, length, inner] = around(d!.shape, attributes["axis"] as number);
    splitRange(e, outer, length * inner * (logarithm === 1 ? costs.softmax : costs.softmaxGradient), 1, (from, size) => {
      const at = 4 * from * length * inner;
      e.emit(
        "softmaxGradient",
        d!.address + at,
        g!.address + at,
        y!.address + at,
        size,
        length,
        inner,
        logarithm,
        columnScratch(e, inner),
      );
    });
  },
});

type CrossEntropy = { ignoreIndex: number; labelSmoothing: number };

/** A row, or four of few classes and their scales. */
const rowScratch = (classes: number): number => Math.max(classes, 4 * (sizes.fewClasses + 1));

/** (N, K) logits against indices; other shapes and distributions are decomposed. */
const areRowsOfIndices = (logits: TensorType | undefined, target: TensorType | undefined): boolean =>
  logits?.shape.length === 2 && target?.dtype === "int32";

const crossEntropyElements: Lowering = {
  dtypes: ["float32"],
  supports: ([logits, target]) => areRowsOfIndices(logits, target),
  emit(e, [z, target, weight], [value, normalizer], attributes) {
    const { ignoreIndex, labelSmoothing } = attributes as CrossEntropy;
    const [rows, classes] = z!.shape as [number, number];
    splitRange(e, rows, classes * costs.crossEntropy, 1, (from, size) => {
      const counted = normalizer === undefined ? e.scratch(size, rowScratch(classes) + 8) : normalizer.address + 4 * from;
      const places = [value!.address + 4 * from, counted, z!.address + 4 * from * classes, target!.address + 4 * from] as const;
      const row = e.scratch(rowScratch(classes));
      e.emit("crossEntropy", ...places, weight?.address ?? 0, size, classes, row, ignoreIndex, float(labelSmoothing));
    });
  },
};

const crossEntropyElementsGradient: Lowering = {
  dtypes: ["float32"],
  // Two gradients, logits, target, weight, two outputs.
  supports: (inputs) => inputs.length === 7 && areRowsOfIndices(inputs[2], inputs[3]),
  // The normalizer does not depend on the logits, and what came out forward is not asked for.
  unusedInputs: [1, 5, 6],
  emit(e, [g, , z, target, weight], [d], attributes) {
    const { ignoreIndex, labelSmoothing } = attributes as CrossEntropy;
    const [rows, classes] = z!.shape as [number, number];
    splitRange(e, rows, classes * costs.crossEntropyGradient, 1, (from, size) => {
      const at = 4 * from * classes;
      const places = [d!.address + at, g!.address + 4 * from, z!.address + at, target!.address + 4 * from] as const;
      const row = e.scratch(rowScratch(classes));
      e.emit("crossEntropyGradient", ...places, weight?.address ?? 0, size, classes, row, ignoreIndex, float(labelSmoothing));
    });
  },
};

const bceWithLogitsElements: Lowering = {
  dtypes: ["float32"],
  supports: ([, , weight, posWeight]) => weight === undefined && posWeight === undefined,
  inPlace: true,
  emit: (e, [z, y], [value]) => e.emit("bceWithLogits", value!.address, z!.address, y!.address, sizeOf(value!.shape)),
};

const bceWithLogitsElementsGradient: Lowering = {
  dtypes: ["float32"],
  supports: (inputs) => inputs[3] === undefined && inputs[4] === undefined,
  inPlace: true,
  emit: (e, [g, z, y], [d]) =>
    e.emit("bceWithLogitsGradient", d!.address, g!.address, z!.address, y!.address, sizeOf(d!.shape), 1),
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
});
