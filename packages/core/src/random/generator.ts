/**
 * Random tensors. Each draw has a key, made of the seed, what it is for, the module that asks and how many it asked before, so that two
 * draws differ and none depends on the others. Eager draws are made here, on the host; inside a compiled step they
 * are the op `randomUniform`, fed with counters.
 */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments, checkFunction, checkList, checkMapped, wrongArgument } from "../types/arguments.js";
import { requireOptions, show } from "../types/options.js";
import { context, within, type RandomStream } from "../dispatch/context.js";
import { checkShape, concrete, sizeOf, type Shape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { hostTensor } from "../ops/creation.js";
import { apply1 } from "../ops/apply.js";
import { randomUniformOp } from "./uniformOp.js";
import { less } from "../ops/comparison.js";
import { boxMuller } from "./normal.js";
import { hashKey, randomBits, randomUniform24, type Key } from "./philox.js";

/** Where draws come from for a while: what a training step sets around its functions. */
export interface RandomContext {
  /** The seed of all draws. */
  readonly seed: number;
  /** int32 [3]: step, micro-batch, index of each draw's first element in the whole one. Fed anew for each step. */
  readonly counters: Tensor;
}

/** Starts all eager draws again from `next`: the same seed gives the same values, on every backend and engine. */
export function manualSeed(next: number): void {
  if (arguments.length > 1) checkArguments("manualSeed", arguments, 1);
  context.eagerRandom = { seed: checkedSeed(next), calls: new Map(), counters: undefined };
}

/** The seed of eager draws. */
export function currentSeed(): number {
  if (arguments.length > 0) checkArguments("currentSeed", arguments, 0);
  return context.eagerRandom.seed;
}

function checkedSeed(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new ErmineError("ERMINE_VALUE", `A seed is a whole number, got ${show(value)}.`);
}

/**
 * Runs fn with its draws taken from `counters` instead of the global seed: pure, the same in every run, and not touching what is
 * drawn outside. Inside a trace the counters are a feed, and each draw an op of the graph.
 */
export function withRandom<T>(stream: RandomContext, fn: () => T): T {
  if (arguments.length > 2) checkArguments("withRandom", arguments, 2);
  requireOptions("withRandom", stream, { seed: "number", counters: "tensor" });
  checkTensor("withRandom", stream.counters);
  checkFunction("withRandom", fn, "withRandom({ seed, counters }, () => f(x))");
  return within("random", { seed: checkedSeed(stream.seed), counters: stream.counters, calls: new Map() }, fn);
}

/** The key of the stream's next draw for `purpose`, of the module that runs. */
function nextKeyOf({ seed, calls }: RandomStream, purpose: string): Key {
  const { path } = context;
  const name = `${purpose}\u0000${path}`;
  const call = calls.get(name) ?? 0;
  calls.set(name, call + 1);
  return hashKey(seed, purpose, path, call);
}

/** @internal The key of the next draw for `purpose`, of this module. */
export const nextKey = (purpose: string): Key => nextKeyOf(context.random ?? context.eagerRandom, purpose);

const beginning = { step: 0, microBatch: 0, first: 0 };

function checkCount(where: string, shape: Shape): number {
  checkShape(where, shape);
  return sizeOf(concrete(shape, where)) as number;
}

/**
 * @internal Uniform in [0, 1) for an op of a model, such as dropout: from the context's counters where there is one.
 * @throws ErmineError ERMINE_USAGE inside a trace without a context: the values would be the same in every run
 */
export function drawUniform(shape: Shape, purpose: string): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("drawUniform", arguments, 2);
  if (typeof purpose !== "string") throw wrongArgument("drawUniform(shape, purpose)", "purpose", purpose, "string");
  const ofStep = context.trace?.drawEachStep?.((steps) => drawUniform([steps, ...shape], purpose));
  if (ofStep !== undefined) return ofStep;
  const counters = context.random?.counters;
  if (counters !== undefined) return apply1(randomUniformOp, [counters], { shape, key: nextKey(purpose) });
  if (context.trace !== undefined) {
    throw new ErmineError(
      "ERMINE_USAGE",
      "Random numbers inside a compiled function would be the same in every call. Give it counters: " +
        "withRandom({ seed, counters }, () => …) with an int32 [3] argument [step, micro-batch, first index] that changes.",
    );
  }
  return hostTensor(uniform24(checkCount(purpose, shape), nextKey(purpose)), [...(shape as readonly number[])], "float32");
}

const uniform24 = (count: number, key: Key): Float32Array => randomUniform24(count, key, beginning);

/** Uniform in [low, high): float32 with 24 random bits. */
export function uniform(shape: readonly number[], low = 0, high = 1): Tensor<"real"> {
  if (!Array.isArray(shape) || arguments.length > 3) checkList("uniform", arguments, 0, 3);
  checkArgument("uniform(shape, low, high)", "low", low, "number");
  checkArgument("uniform(shape, low, high)", "high", high, "number");
  return fromHost("uniform", shape, (count, key) => scaled(uniform24(count, key), low, high));
}

/** Normal with that mean and standard deviation. */
export function normal(shape: readonly number[], mean = 0, standardDeviation = 1): Tensor<"real"> {
  if (!Array.isArray(shape) || arguments.length > 3) checkList("normal", arguments, 0, 3);
  const signature = "normal(shape, mean, standardDeviation)";
  checkArgument(signature, "mean", mean, "number");
  checkArgument(signature, "standardDeviation", standardDeviation, "number");
  return fromHost("normal", shape, (count, key) =>
    Float32Array.from(standardNormal(count, key), (z) => mean + standardDeviation * z),
  );
}

/** Whole numbers (int32) in [low, high), each as likely to within 2⁻³² · (high − low). */
export function randint(shape: readonly number[], low: number, high: number): Tensor<"real"> {
  if (!Array.isArray(shape) || arguments.length > 3) checkList("randint", arguments, 0, 3);
  checkArgument("randint(shape, low, high)", "low", low, "integer");
  checkArgument("randint(shape, low, high)", "high", high, "integer");
  if (!(low < high && low >= -(2 ** 31) && high <= 2 ** 31)) {
    throw new ErmineError("ERMINE_VALUE", `randint needs whole numbers low < high within int32, got ${low} and ${high}.`);
  }
  return fromHost("randint", shape, (count, key) =>
    Int32Array.from(randomBits(count, key, beginning), (bits) => low + below(bits, high - low)),
  );
}

/** 0 … count − 1 (int32) in random order. */
export function permutation(count: number): Tensor<"real"> {
  if (arguments.length > 1) checkArguments("permutation", arguments, 1);
  return fromHost("permutation", [count], (length, key) => shuffledIndices(length, key));
}

/** true with the probability p of each element: bool of p's shape. */
export function bernoulli(p: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("bernoulli", arguments, 1);
  checkTensor("bernoulli", p);
  return less(drawUniform(p.shape, "bernoulli"), p);
}

function fromHost(
  purpose: string,
  shape: readonly number[],
  make: (count: number, key: Key) => Float32Array | Int32Array,
): Tensor<"real"> {
  if (context.trace !== undefined) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `${purpose} inside a compiled function would give the same numbers in every call. Draw outside and pass them in.`,
    );
  }
  const count = checkCount(purpose, shape);
  const elements = make(count, nextKeyOf(context.eagerRandom, purpose));
  return hostTensor(elements, [...shape], elements instanceof Int32Array ? "int32" : "float32");
}

/** A word as a number in [0, range): the high part of word · range. */
const below = (bits: number, range: number): number => Math.floor((bits / 2 ** 32) * range);

/** @internal */
export const scaled = (elements: Float32Array, low: number, high: number): Float32Array =>
  elements.map((u) => low + (high - low) * u);

/** @internal `count` standard normal values, from a key alone. */
export const standardNormal = (count: number, key: Key): Float64Array =>
  boxMuller(uniform24(count + (count % 2), key)).subarray(0, count);

/** @internal Uniform values from a key alone. */
export { uniform24 };

/** Fisher–Yates over 0 … count − 1: what a loader shuffles with. */
export function shuffledIndices(count: number, key: Key): Int32Array {
  if (arguments.length > 2) checkArguments("shuffledIndices", arguments, 2);
  checkShape("shuffledIndices: count", [count]);
  if (!Array.isArray(key) || key.length !== 2 || !key.every(Number.isInteger))
    throw new ErmineError("ERMINE_USAGE", `shuffledIndices: key is two whole numbers, as hashKey makes it, got ${show(key)}.`);
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  const bits = randomBits(count, key, beginning);
  for (let i = count - 1; i > 0; i--) {
    const j = below(bits[i]!, i + 1);
    const other = order[j]!;
    order[j] = order[i]!;
    order[i] = other;
  }
  return order;
}
