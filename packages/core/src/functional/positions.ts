/** Where in its sequence a step is, as features that a network can use. */
import { apply1 } from "../ops/apply.js";
import { add, mul, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { hostTensor, iotaOp } from "../ops/creation.js";
import { concat, split, stack } from "../ops/concat.js";
import { expandDims, reshape } from "../ops/shape.js";
import { sliceAxis } from "../ops/slice.js";
import { cos, sin } from "../ops/unary.js";
import { formatShape, type Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { checkSteps } from "./steps.js";

/** The options of `sinusoidalPositions`. */
export interface PositionOptions {
  /** Wavelengths go from 2π to 2π · base. Default 10,000. */
  readonly base?: number;
}

/** The options of `rotary`. */
export interface RotaryOptions extends PositionOptions {
  /**
   * Which features are turned together: "adjacent", 2i and 2i + 1, as the paper has it; "halves", i and i + d/2, as checkpoints of Llama and GPT-NeoX have it.
   * Default "adjacent".
   */
  readonly pairs?: "adjacent" | "halves";
}

/** @internal @throws ErmineError ERMINE_OPTION where it is no base of wavelengths */
export function checkBase(where: string, base: number): void {
  if (!(base > 1 && Number.isFinite(base)))
    throw new ErmineError("ERMINE_OPTION", `${where}: base is a number > 1, got ${show(base)}.`);
}

/** The angle of each step and pair of features, t / base^(2i / features): its function as a table (steps, ⌈features / 2⌉). */
function table(fn: "sin" | "cos", steps: Size, features: number, base: number): Tensor {
  const pairs = Math.ceil(features / 2);
  const frequencies = Array.from({ length: pairs }, (_, i) => base ** ((-2 * i) / features));
  if (typeof steps === "number") {
    // In double precision: a product in float32 would be off by thousandths at ten thousand steps.
    const values = Float32Array.from({ length: steps * pairs }, (_, at) =>
      Math[fn](Math.floor(at / pairs) * frequencies[at % pairs]!),
    );
    return hostTensor(values, [steps, pairs], "float32");
  }
  const places = cast(apply1(iotaOp, [], { size: steps }), "float32");
  const angles = mul(expandDims(places, 1), hostTensor(Float32Array.from(frequencies), [1, pairs], "float32"));
  return (fn === "sin" ? sin : cos)(angles);
}

/**
 * A row of sines and cosines for each step: p[t][2i] = sin(t / base^(2i / features)), p[t][2i + 1] = cos(the same). Added to a sequence's features it says where
 * a step is.
 *
 * Exact to float32 where `steps` is a number; where it is a symbol the angles are computed in float32, to about t · 6e-8.
 *
 * @param steps T
 * @param features how long a row is
 * @returns (T, features)
 * @throws ErmineError ERMINE_USAGE or ERMINE_VALUE for sizes that are not whole numbers, ERMINE_OPTION for a base ≤ 1
 * Source: Vaswani et al. 2017
 * @example
 * sinusoidalPositions(2, 2); // => [[0, 1], [0.8415, 0.5403]]
 */
export function sinusoidalPositions(steps: Size, features: number, options: PositionOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("sinusoidalPositions", arguments, 3);
  checkOptions("sinusoidalPositions", options, { base: "number" }, ["steps", "features"]);
  const { base = 10_000 } = options;
  checkBase("sinusoidalPositions", base);
  const signature = "sinusoidalPositions(steps, features, options)";
  checkSteps(signature, steps);
  checkArgument(signature, "features", features, "integer");
  if (features < 1)
    throw new ErmineError("ERMINE_VALUE", `sinusoidalPositions: features is a whole number ≥ 1, got ${features}.`);
  const both = stack([table("sin", steps, features, base), table("cos", steps, features, base)], 2);
  const rows = reshape(both, [steps, 2 * Math.ceil(features / 2)]);
  return (features % 2 === 0 ? rows : sliceAxis(rows, 1, 0, features)) as Tensor<"real">;
}

/**
 * Rotary position embedding: each pair of features of step t turned by the angle t / base^(2i / d), so that products of queries and keys depend on how far apart
 * their steps are. (a, b) → (a cos − b sin, b cos + a sin).
 *
 * `MultiHeadAttention` does it to its queries and keys with `{ rotary: true }`.
 *
 * @param x (…, T, d), d even: queries or keys, steps from 0 on
 * @returns of x's shape
 * @throws ErmineError ERMINE_SHAPE where x has no two axes or d is odd, ERMINE_OPTION for a wrong option
 * Source: Su et al. 2021
 * @example
 * rotary(tensor([[1, 0], [1, 0]])); // => [[1, 0], [0.5403, 0.8415]]
 */
export function rotary(x: Tensor, options: RotaryOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("rotary", arguments, 2);
  checkTensor("rotary", x);
  checkOptions("rotary", options, rotaryNames, ["x"]);
  checkRotary("rotary", options);
  const { base = 10_000, pairs = "adjacent" } = options;
  const [steps, features] = [x.shape.at(-2), x.shape.at(-1)];
  if (steps === undefined || typeof features !== "number" || features % 2 !== 0) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `rotary takes (…, T, d) with an even number of features d, got ${formatShape(x.shape)}.`,
    );
  }
  const [cosines, sines] = [table("cos", steps, features, base), table("sin", steps, features, base)];
  const turned = (a: Tensor, b: Tensor): readonly [Tensor, Tensor] => [
    sub(mul(a, cosines), mul(b, sines)),
    add(mul(b, cosines), mul(a, sines)),
  ];
  if (pairs === "halves") {
    const [a, b] = split(x, features / 2, -1);
    return concat(turned(a!, b!), -1) as Tensor<"real">;
  }
  const shape = [...x.shape.slice(0, -1), features / 2];
  const [a, b] = split(reshape(x, [...shape, 2]), 1, -1).map((part) => reshape(part, shape));
  return reshape(stack(turned(a!, b!), x.rank), x.shape) as Tensor<"real">;
}

const rotaryNames = { base: "number", pairs: "string" } as const;

/** @internal @throws ErmineError ERMINE_OPTION for options that `rotary` does not take */
export function checkRotary(where: string, options: RotaryOptions): void {
  checkOptions(where, options, rotaryNames);
  const { base = 10_000, pairs = "adjacent" } = options;
  checkBase(where, base);
  if (pairs !== "adjacent" && pairs !== "halves")
    throw new ErmineError("ERMINE_OPTION", `${where}: pairs is "adjacent" or "halves", got ${show(pairs)}.`);
}
