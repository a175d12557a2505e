/**
 * Gradients of what all steps of a loop share, a weight or a table: not added up from step to step, but taken once after the loop, over the stacked steps
 * of what it was multiplied with.
 */
import type { GradientRules, TapeEntry } from "../dispatch/tape.js";
import { embeddingOp, type EmbeddingAttributes } from "../ops/embedding.js";
import { indexSelectOp } from "../ops/gather.js";
import { linearOp, rows } from "../ops/linear.js";
import { matmulOp } from "../ops/matmul.js";
import { reshape } from "../ops/shape.js";
import { mulSizes } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { keyOf } from "../types/views.js";

/** A call in which a step and something shared meet. */
export interface SharedProduct {
  /** The positions of the shared inputs whose gradients are taken after the loop. */
  readonly positions: readonly number[];
  /** The factor that varies by step: its steps are stacked. */
  readonly operand: Tensor;
  /** The gradient of the call's output in one step. */
  readonly gradient: Tensor;
  /** The part of the gradient of `shared` that this call has; undefined: none. Both `gradients` and `operands` have all steps. */
  apply(gradients: Tensor, operands: Tensor, input: Tensor, rules: GradientRules, shared: Tensor): Tensor | undefined;
}

/** Which input the step brings, which are shared, and how stacked steps become the rows of one call. */
interface Form {
  readonly step: number;
  readonly shared: readonly number[];
  readonly rows: (t: Tensor) => Tensor;
}

/** The first two axes as one. */
const joined = (t: Tensor): Tensor => reshape(t, [mulSizes(t.shape[0]!, t.shape[1]!), ...t.shape.slice(2)]);

function formOf({ op, inputs, attributes }: TapeEntry): Form | undefined {
  if (Object.is(op, linearOp)) return { step: 0, shared: [1, 2], rows: (t) => t };
  if (Object.is(op, matmulOp)) {
    const isPlain = attributes["transposeA"] !== true && inputs[0]!.rank >= 2 && inputs[1]!.rank === 2;
    return isPlain ? { step: 0, shared: [1], rows } : undefined;
  }
  const looksUp =
    (Object.is(op, indexSelectOp) && attributes["axis"] === 0) ||
    // How often a row is looked up is counted in each call.
    (Object.is(op, embeddingOp) && !(attributes as unknown as EmbeddingAttributes).scaleGradByFreq);
  return looksUp ? { step: 1, shared: [0], rows: joined } : undefined;
}

/** The parts of an entry's gradient that can be computed after the loop. */
export function overAllSteps(
  entry: TapeEntry,
  needed: readonly boolean[],
  isStep: (t: Tensor) => boolean,
  isShared: (t: Tensor) => boolean,
): Omit<SharedProduct, "gradient"> | undefined {
  const form = formOf(entry);
  if (form === undefined) return undefined;
  const { inputs, attributes, op } = entry;
  const operand = inputs[form.step]!;
  const positions = form.shared.filter((i) => needed[i] === true && isShared(inputs[i]!));
  if (positions.length === 0 || !isStep(operand) || inputs.some((t, i) => i !== form.step && t !== undefined && isStep(t)))
    return undefined;
  return {
    positions,
    operand,
    apply(gradients, operands, input, rules, shared) {
      const wanted = inputs.map((t, i) => positions.includes(i) && keyOf(t!) === keyOf(shared));
      if (!wanted.includes(true)) return undefined;
      const stacked = inputs.map((t, i) => (i === form.step ? form.rows(operands) : wanted[i] ? input : t));
      const gradientsOfInputs = rules.ruleOf(op)!([form.rows(gradients)], stacked, [], attributes, wanted);
      return gradientsOfInputs[wanted.indexOf(true)];
    },
  };
}
