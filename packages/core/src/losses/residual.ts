/** Losses of the difference between prediction and target, element by element. */
import type { Attributes } from "../ir/op.js";
import { mul, sub } from "../ops/arithmetic.js";
import { apply1 } from "../ops/apply.js";
import { builtinFusedOp } from "../ops/fused.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss, type Loss } from "./definition.js";
import type { Draw } from "./samples.js";

/** The weights of a loss of differences. */
export interface Weighted {
  /** The weight of each element, of the prediction's shape. Default: all 1. */
  readonly weight: Tensor | undefined;
}

interface ResidualSpec<O extends Attributes> {
  readonly name: string;
  readonly options?: O;
  readonly optionExamples?: Partial<O>;
  check?(options: O): void;
  /** The value at a residual. */
  value(residual: Tensor, options: O): Tensor;
  /** Its derivative there. */
  slope(gradOutput: Tensor, residual: Tensor, options: O): Tensor;
  /** The divisor of a weighted mean. PyTorch's: Σ weight for mse and l1, the count for huber. */
  readonly weightedMean: "weights" | "count";
}

/**
 * @internal A loss of prediction − target. Both sides have gradients, as in PyTorch; the shapes must be equal. With `weightedMean` it has the
 * option weight too.
 */
export function residualLoss<O extends Attributes = Record<never, never>>(
  spec: ResidualSpec<O>,
): Loss<[Tensor, Tensor], O & Weighted, "mean" | "sum" | "none">;
export function residualLoss<O extends Attributes = Record<never, never>>(
  spec: Omit<ResidualSpec<O>, "weightedMean">,
): Loss<[Tensor, Tensor], O, "mean" | "sum" | "none">;
/* @__NO_SIDE_EFFECTS__ */
export function residualLoss<O extends Attributes>(
  spec: Omit<ResidualSpec<O>, "weightedMean"> & Partial<Pick<ResidualSpec<O>, "weightedMean">>,
): Loss<[Tensor, Tensor], O & Partial<Weighted>, "mean" | "sum" | "none"> {
  const op = builtinFusedOp<O>({
    name: `${spec.name}Elements`,
    inputs: [{ name: "residual", dtype: "float32" }],
    infer: ([residual]) => [{ ...residual!, domain: "real" }],
    decompose: ([residual], options) => [spec.value(residual!, options)],
    gradient: ([g], [residual], _, options) => [spec.slope(g!, residual!, options)],
  });
  const { check, weightedMean, optionExamples } = spec;
  const options = { ...spec.options, ...(weightedMean === undefined ? {} : { weight: undefined }) } as O & Partial<Weighted>;
  const inputPair = (n: number, draw: Draw): [Tensor, Tensor] => [draw.real([n, 3]), draw.real([n, 3])];
  const weighted = (n: number, draw: Draw) => ({
    inputs: inputPair(n, draw),
    options: { weight: draw.positive([n, 3]) } as Partial<O & Partial<Weighted>>,
  });
  return defineLoss<[Tensor, Tensor], O & Partial<Weighted>>({
    name: spec.name,
    link: "identity",
    inputs: [
      { name: "prediction", dtype: "float32" },
      { name: "target", dtype: "value" },
    ],
    options,
    ...(optionExamples === undefined ? {} : { optionExamples: optionExamples as Partial<O & Partial<Weighted>> }),
    ...(check === undefined ? {} : { check }),
    samples: { numbers: (n, draw) => ({ inputs: inputPair(n, draw) }), ...(weightedMean === undefined ? {} : { weighted }) },
    elements([prediction, target], { weight, ...lossOptions }) {
      checkSameShape(spec.name, prediction, target);
      const value = apply1(op, [sub(prediction, target)], lossOptions as unknown as O);
      if (weight === undefined) return { value };
      checkSameShape(spec.name, prediction, weight, "weight");
      return { value: mul(value, weight), normalizer: weightedMean === "weights" ? weight : undefined };
    },
  });
}
