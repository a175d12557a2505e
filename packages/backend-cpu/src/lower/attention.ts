/** Scaled dot-product attention, forward and backward, split over the pairs of matrices. */
import type { AttentionAttributes } from "@ermine/core/backend";
import { float, type Emitter } from "../emitter.js";
import { sizes } from "../generated/instructions.js";
import { productScratch } from "./gemm.js";
import { broadcastStrides, collapse, sizeOf, type Lowering, type Operand } from "./operand.js";
import { inParts } from "./split.js";

const { attentionRows: rows } = sizes;

interface Sizes {
  readonly pairs: number;
  readonly length: number;
  readonly source: number;
  readonly width: number;
  readonly features: number;
}

const sizesOf = (q: Operand, k: Operand, v: Operand): Sizes => ({
  pairs: sizeOf(q.shape.slice(0, -2)),
  length: q.shape.at(-2)!,
  source: k.shape.at(-2)!,
  width: q.shape.at(-1)!,
  features: v.shape.at(-1)!,
});

/** The words of the mask: its kind, and its strides over [...pairs, L, S]. */
function maskWords(mask: Operand | undefined, q: Operand, source: number): number[] {
  if (mask === undefined) return [0, 0, 0, 0];
  const strides = broadcastStrides(mask.shape, [...q.shape.slice(0, -1), source]).map((n) => n * 4);
  const [row, column] = strides.slice(-2) as [number, number];
  const { shape, strides: steps } = collapse(q.shape.slice(0, -2), strides.slice(0, -2));
  return [mask.dtype === "bool" ? 2 : 1, row, column, shape.length, ...shape, ...steps[0]!];
}

type EmitPart = (at: (t: Operand) => number, scratch: number, words: readonly number[]) => void;

function eachPart(
  e: Emitter,
  [q, k, v, mask]: readonly [Operand, Operand, Operand, Operand | undefined],
  attributes: unknown,
  matrices: number,
  part: EmitPart,
): void {
  const { pairs, length, source, width, features } = sizesOf(q, k, v);
  const { scale, causal, nothing } = attributes as AttentionAttributes;
  // Without any key the mean of the values is a sum of nothing.
  const zero = source === 0 || (mask !== undefined && nothing === "zero");
  const flags = (causal ? 1 : 0) + (zero ? 2 : 0);
  const widest = Math.max(source, width, features);
  const scratch = rows + matrices * (rows * source + 4) + productScratch(widest, Math.max(widest, rows));
  const total = pairs * length * source * (width + features + 16) * (matrices === 1 ? 1 : 3);
  inParts(e, total, pairs, (from, to) => {
    const words = [to - from, length, source, width, features, float(scale), flags, from, ...maskWords(mask, q, source)];
    part((t) => t.address + 4 * from * sizeOf(t.shape.slice(-2)), e.scratch(scratch), words);
  });
}

type Inputs = readonly [Operand, Operand, Operand, Operand | undefined];

const scaledDotProductAttention: Lowering = {
  dtypes: ["float32"],
  emit(e, inputs, [y], attributes) {
    if (sizeOf(y!.shape) === 0) return;
    const [q, k, v, mask] = inputs as unknown as Inputs;
    eachPart(e, [q, k, v, mask], attributes, 1, (at, scratch, words) =>
      e.emit("attention", at(y!), at(q), at(k), at(v), mask?.address ?? 0, scratch, ...words),
    );
  },
};

const scaledDotProductAttentionGradient: Lowering = {
  dtypes: ["float32"],
  // The output.
  unusedInputs: [5],
  emit(e, [g, ...rest], [toQ, toK, toV], attributes) {
    const [q, k, v, mask] = rest as unknown as Inputs;
    eachPart(e, [q, k, v, mask], attributes, 2, (at, scratch, words) => {
      const inputs = [at(g!), at(q), at(k), at(v), mask?.address ?? 0] as const;
      e.emit("attentionGradient", at(toQ!), at(toK!), at(toV!), ...inputs, scratch, ...words);
    });
  },
};

export const attentions: readonly (readonly [string, Lowering])[] = Object.entries({
  scaledDotProductAttention,
  scaledDotProductAttentionGradient,
});
