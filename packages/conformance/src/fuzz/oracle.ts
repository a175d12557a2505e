/**
 * What a program should give, and how far from it float32 may be: the float64 reference, and how much its results move when inputs and every
 * rounded result are moved by one unit of float32's last place.
 */
import { ErmineError, type Backend, type Tensor, type TypedArray } from "@ermine/core";
import type { Kernel, KernelInput, OpObserver } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { exactly, runProgram, type Computed, type Elements } from "./evaluate.js";
import { reached, stepsOf, type Program } from "./program.js";

/** One result with what it may differ by, element by element. */
export interface Expected extends Computed {
  readonly allowance: Float64Array;
}

export type Oracle =
  | { readonly kind: "values"; readonly values: readonly Expected[] }
  /** The reference refuses the program: so must everyone. */
  | { readonly kind: "refused"; readonly error: ErmineError }
  /** Nothing can be said of it in float32. */
  | { readonly kind: "discarded"; readonly reason: "unstable" | "out of range" | "not finite" };

/** Results that float32 has exactly, if it has the inputs: these only move, choose or compare elements. */
const exact = new Set(
  (
    "reshape transpose broadcastTo slice concat indexSelect gather unfold where max min maximum minimum neg abs sign sort floor ceil round " +
    "isFinite equal less lessEqual logicalNot logicalAnd logicalOr iota size argMax randomUniform"
  ).split(" "),
);

/** Functions that an engine approximates, where they would be exact as well: e⁰ may be 1 less a unit. */
const approximated = new Set("exp expm1 log log1p sin cos tanh erf erfc asinh pow".split(" "));

/**
 * A quotient by one number may be a product with its reciprocal, as TensorFlow's graphs have it: exact by powers of two alone. They make
 * reciprocals of ones by a whole tensor too, which an engine approximates.
 */
function isReciprocal(dividend: KernelInput | undefined, divisor: KernelInput | undefined): boolean {
  const data = dataOf(divisor!);
  if (data.length === 1) return !Number.isInteger(Math.log2(Math.abs(data[0]!)));
  return dataOf(dividend!).every((value) => value === 1);
}

/** Sums of many terms: what they lose is of the size of the terms, which may cancel. */
const accumulating = new Set("sum cumsum matmul fold indexAdd scatterAdd".split(" "));

/** Sums that may start from what is added to them afterwards, a bias: exact terms are rounded to its last place. */
const biased = new Set(["matmul"]);

const lost = 2 ** -23;
const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);
const double = new Float64Array(1);
const doubleBits = new Int32Array(double.buffer);

/**
 * How results change in one run: not at all, by a unit up or down as the salt says, or by float32's own rounding, which alone takes a value
 * to exactly 0.
 */
type Change = "none" | "rounded" | number;

/** 1 or −1, the same for the same magnitude, so that equal elements stay equal; nearly equal ones part, as they do where each is rounded. */
function signOf(value: number, salt: number): number {
  double[0] = Math.abs(value);
  let h = Math.imul(doubleBits[0]! ^ Math.imul(doubleBits[1]!, 0x85ebca6b) ^ salt, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return ((h >>> 17) & 1) === 0 ? 1 : -1;
}

/** Elements of at most 8 significant bits, 0, ±∞ and NaN are kept: float32's products of two of them are exact, and ties and kinks need them. */
function isShort(value: number): boolean {
  float[0] = value;
  return (floatBits[0]! & 0xffff) === 0;
}

/** Are all of them so short and so near to each other that float32's sums of them and of their products are exact? */
function areExact(data: TypedArray): boolean {
  if (data.length > 64) return false;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    if (!isShort(size) || (size !== 0 && (size < 2 ** -4 || size > 64))) return false;
  }
  return true;
}

const moved = (value: number, salt: number): number => value * (1 + signOf(value, salt) * lost);

/** The reference's storages are arrays. */
const dataOf = ({ storage }: { readonly storage: object }): TypedArray => (storage as { readonly data: TypedArray }).data;

/** e^(−|x|) / (1 + e^(−|x|))²: the slope of σ, with all its digits. */
function logisticSlope(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return e / (1 + e) ** 2;
}

/** Is a gradient that kernels make of the input or of the output, as they like, made of the output here? In every other run with moved results it is. */
const isOfOutput = (change: Change): boolean => change === "rounded" || (change !== "none" && (change & 1) === 0);

/**
 * Gradients that kernels may make of the output, as PyTorch's do: 1 − y loses what y has lost by its rounding. Made of the input they have all digits;
 * but then they are not of the y that later steps have, whose error would else cancel (log(1 − σ(x)) has the slope −σ(x)).
 */
function ofOutputs(backend: Backend, fromOutput: () => boolean): Readonly<Record<string, Kernel>> {
  const gradientOf =
    (ofInput: (x: number) => number, ofOutput: (y: number) => number): Kernel =>
    ([g, x, y], _, [output]) => {
      const by = dataOf(g!);
      const [from, slope] = fromOutput() ? [dataOf(y!), ofOutput] : [dataOf(x!), ofInput];
      return [
        backend.upload(
          Float64Array.from(from, (value, i) => by[i]! * slope(value)),
          output!.shape,
          "float32",
        ),
      ];
    };
  return {
    tanhGradient: gradientOf(
      (x) => 4 * logisticSlope(2 * x),
      (y) => 1 - y * y,
    ),
    sigmoidGradient: gradientOf(logisticSlope, (y) => y * (1 - y)),
  };
}

/** A number of the program, such as 0.1, that float32 does not have. */
function movedConstant(input: KernelInput, salt: number): KernelInput {
  const data = dataOf(input);
  const value = data[0]!;
  if (data.length !== 1 || input.dtype !== "float32" || !Number.isFinite(value) || value === Math.fround(value)) return input;
  return { ...input, storage: { data: Float64Array.of(moved(value, salt)) } };
}

/** |x|, and 1 for 0, ±∞ and NaN. */
function magnitudes(input: KernelInput): KernelInput {
  const sizes = Float64Array.from(dataOf(input), (value) => (value === 0 || !Number.isFinite(value) ? 1 : Math.abs(value)));
  return { ...input, storage: { data: sizes } };
}

class Observer {
  readonly backend: Backend;
  /** A magnitude that float32 does not have, or not with all its digits. */
  extreme = false;
  #change: Change = "none";
  #calls = 0;

  constructor() {
    const referenceBackend = reference();
    const all = { ...referenceBackend.kernels, ...ofOutputs(referenceBackend, () => isOfOutput(this.#change)) };
    const kernels = Object.fromEntries(Object.entries(all).map(([name, kernel]) => [name, this.#watched(name, kernel)]));
    const ops = new Map(Object.keys(all).map((name) => [name, referenceBackend.capabilities.dtypes]));
    this.backend = { ...referenceBackend, kernels, capabilities: { ...referenceBackend.capabilities, ops } };
  }

  start(change: Change): void {
    [this.extreme, this.#change, this.#calls] = [false, change, 0];
  }

  #watched(name: string, kernel: Kernel): Kernel {
    const rounds = !exact.has(name);
    const accumulates = accumulating.has(name);
    const isExact = (input: KernelInput | undefined): boolean => input === undefined || areExact(dataOf(input));
    const loses = (inputs: readonly (KernelInput | undefined)[]): boolean =>
      accumulates && (biased.has(name) || !inputs.every(isExact));
    return (inputs, attributes, outputs) => {
      const change = this.#change;
      const operands =
        typeof change === "string"
          ? inputs
          : loses(inputs)
            ? inputs.map((input, i) => input && this.#movedInput(input, change + 104729 * i))
            : inputs.map((input) => input && movedConstant(input, change));
      const storages = kernel(operands, attributes, outputs);
      // What has no magnitude is left out: 0 and ±∞ hide that the others' product is none of float32's.
      if (name === "prod" && change === "none")
        this.#look(
          dataOf({
            storage: kernel(
              inputs.map((input) => magnitudes(input!)),
              attributes,
              outputs,
            )[0]!,
          }),
        );
      this.#calls++;
      outputs.forEach(({ dtype }, i) => {
        if (dtype !== "float32") return;
        const data = dataOf({ storage: storages[i]! });
        if (change === "none") this.#look(data);
        else if (change === "rounded") data.forEach((value, k) => (data[k] = Math.fround(value)));
        else if (rounds)
          this.#move(data, change, approximated.has(name) || (name === "div" && isReciprocal(operands[0], operands[1])));
      });
      return storages;
    };
  }

  /** Every element by itself, whatever it is like. */
  #movedInput(input: KernelInput, change: number): KernelInput {
    if (input.dtype !== "float32") return input;
    const salt = change + 7919 * this.#calls;
    const data = Float64Array.from(dataOf(input), (value, i) => (Number.isFinite(value) ? moved(value, salt + i) : value));
    return { ...input, storage: { data } };
  }

  #look(data: TypedArray): void {
    for (let i = 0; i < data.length; i++) {
      const size = Math.abs(data[i]!);
      if ((size > 1e37 && size !== Infinity) || (size < 1e-37 && size !== 0)) this.extreme = true;
    }
  }

  /** @param all also those that float32 has: as an engine approximates them, which need not give equal elements equal results */
  #move(data: TypedArray, change: number, all: boolean): void {
    const salt = change + 7919 * this.#calls;
    // TensorFlow rounds the elements of whole vectors otherwise than the last few.
    const apart = all && (change & 1) === 1;
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      if ((all || value !== Math.fround(value)) && Number.isFinite(value)) data[i] = moved(value, apart ? salt + i : salt);
    }
  }
}

let observer: Observer | undefined;

const movedElements =
  (salt: number): Elements =>
  (name, leaf) =>
    leaf.dtype === "float32"
      ? Float64Array.from(leaf.data, (value) => (isShort(value) ? value : moved(value, salt)))
      : exactly(name, leaf);

/** The identity of a run with perturbed results. */
const salts = Array.from({ length: 24 }, (_, i) => Math.imul(i + 1, 0x51ed27));

/** Kernels of these multiply padding and hidden keys by 0, or leave them out: which results NaN and ∞ reach is nobody's promise. */
const spreading = ["convolution", "scaledDotProductAttention"];

const isFinite = (t: Tensor | undefined): boolean =>
  t === undefined || t.dtype !== "float32" || t.dataSync().every(Number.isFinite);

const wide: Elements = (name, leaf) => (leaf.dtype === "float32" ? Float64Array.from(leaf.data) : exactly(name, leaf));

/** Results of the reference, with an allowance for rounding alone. @throws what is no ErmineError */
export async function consult(program: Program): Promise<Oracle> {
  const { backend } = observerOf("none");
  let spreads = false;
  const observe: OpObserver = ({ name }, _, __, inputs) => {
    if (!spreads && spreading.some((family) => name.startsWith(family))) spreads = !inputs.every(isFinite);
  };
  const base = await runProgram(program, backend, "eager", { elements: wide, observe });
  if (base instanceof ErmineError) return { kind: "refused", error: base };
  if (observer!.extreme) return { kind: "discarded", reason: "out of range" };
  if (spreads) return { kind: "discarded", reason: "not finite" };
  const steps = pathLengths(program);
  return { kind: "values", values: base.map((result, k) => ({ ...result, allowance: roundingOf(result, steps[k]!) })) };
}

function observerOf(change: Change): Observer {
  observer ??= new Observer();
  observer.start(change);
  return observer;
}

/**
 * The values with 8 · s more, s the largest change under some perturbations, and where every result is rounded to float32.
 *
 * @param times 3, or more where a difference is to be confirmed: two errors can cancel in a few
 */
export async function widened(
  program: Program,
  base: readonly Expected[],
  times: 3 | 24,
): Promise<Exclude<Oracle, { kind: "refused" }>> {
  const changes = base.map(({ data }) => new Float64Array(data.length));
  for (const change of ["rounded", ...salts.slice(0, times)] as const) {
    const elements = change === "rounded" ? exactly : movedElements(change);
    const other = await runProgram(program, observerOf(change).backend, "eager", { elements });
    if (other instanceof ErmineError) return { kind: "discarded", reason: "unstable" };
    for (const [k, change] of changes.entries())
      if (!widen(change, base[k]!.data, other[k]!.data)) return { kind: "discarded", reason: "unstable" };
  }
  if (base.some((result, k) => isUnstable(result, changes[k]!))) return { kind: "discarded", reason: "unstable" };
  const values = base.map((result, k) => ({
    ...result,
    allowance: result.allowance.map((rounding, i) => rounding + 8 * changes[k]![i]!),
  }));
  return { kind: "values", values };
}

/** Takes the larger changes; false where NaN or ±∞ came or went. */
function widen(change: Float64Array, base: TypedArray, other: TypedArray): boolean {
  for (let i = 0; i < base.length; i++) {
    const [a, b] = [base[i]!, other[i]!];
    if (Object.is(a, b) || a === b) continue;
    const by = Math.abs(a - b);
    if (!Number.isFinite(by)) return false;
    if (by > change[i]!) change[i] = by;
  }
  return true;
}

/** Has less than two digits, or is a whole number or a truth that changed. */
function isUnstable({ data, dtype }: Computed, change: Float64Array): boolean {
  if (dtype !== "float32") return change.some((by) => by > 0);
  let largest = 0;
  for (const value of data) if (Number.isFinite(value) && Math.abs(value) > largest) largest = Math.abs(value);
  return change.some((by) => by > 1e-2 * largest);
}

/** 4 units in the last place for each step on the way; whole numbers and truths are exact. */
const roundingOf = ({ data, dtype }: Computed, steps: number): Float64Array =>
  dtype === "float32" ? Float64Array.from(data, (value) => 4 * steps * lost * Math.abs(value)) : new Float64Array(data.length);

/** For each result how many steps there are on the way to it, those of earlier calls included. */
function pathLengths(program: Program): readonly number[] {
  const depths: number[] = [];
  let earlier = 0;
  for (const index of program.calls) {
    const entry = program.entries[index]!;
    const computedNames = new Set(stepsOf(entry).map(({ result }) => result));
    for (const output of entry.outputs) {
      const names = [...reached(entry, [output])];
      const opCount = names.filter((name) => computedNames.has(name)).length;
      // A gradient goes the way back as well.
      depths.push(earlier + 1 + (names.some((name) => name.startsWith("g")) ? 3 * opCount : opCount));
    }
    earlier += stepsOf(entry).length * (entry.gradient === undefined ? 1 : 3);
  }
  return [...depths, ...Object.keys(program.variables).map(() => earlier + 1)];
}

/** Where it differs from what was expected, in a sentence; undefined where it does not. */
export function differenceOf(actual: readonly Computed[], expected: readonly Expected[]): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} results where there should be ${expected.length}`;
  for (const [k, reference] of expected.entries()) {
    const got = actual[k]!;
    if (got.shape.join() !== reference.shape.join() || got.dtype !== reference.dtype || got.data.length !== reference.data.length)
      return `${reference.what} is ${got.dtype}[${got.shape.join(", ")}] and should be ${reference.dtype}[${reference.shape.join(", ")}]`;
    for (let i = 0; i < reference.data.length; i++) {
      const [a, r] = [got.data[i]!, reference.data[i]!];
      if (Object.is(a, r) || a === r || a === Math.fround(r) || Math.abs(a - r) <= reference.allowance[i]!) continue;
      return `${reference.what}[${i}] of ${reference.data.length} is ${a} and should be ${r}${reference.allowance[i] === 0 ? "" : ` ± ${reference.allowance[i]!.toPrecision(2)}`}`;
    }
  }
  return undefined;
}
