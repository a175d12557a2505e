/** The builder for the grammar's forms: operands that fit, and calls whose types core infers as they are added. */
import { ErmineError, type DType, type Tensor } from "@ermine/core";
import { type Trace } from "@ermine/core/backend";
import { runStep } from "./evaluate.js";
import { drawElements, type Kind } from "./elements.js";
import type { Arg, Leaf, Ref, Step } from "./program.js";
import type { Random } from "./random.js";

export interface OperandOptions {
  /** Default float32. */
  readonly dtype?: DType;
  readonly shape?: readonly number[];
  /** The fewest and the most axes; default 0 and 4. */
  readonly ranks?: readonly [number, number];
  /** A further condition on the shape. */
  readonly fits?: (shape: readonly number[]) => boolean;
  /** The elements of one that is new; default "real". */
  readonly kind?: Kind;
}

/** A step's arguments: references, literals, and lists and options of them. */
export class Builder {
  readonly random: Random;
  readonly steps: Step[] = [];
  readonly #values = new Map<string, Tensor>();
  readonly #inputs: Map<string, Leaf>;
  readonly #variables: Map<string, Leaf>;
  readonly #trace: Trace;
  /** Sizes that axes have in this program: few, so that shapes meet. */
  readonly #sizes: readonly number[];
  readonly #large: boolean;

  constructor(
    random: Random,
    trace: Trace,
    leaves: { readonly inputs: Map<string, Leaf>; readonly variables: Map<string, Leaf> },
    sizes: readonly number[],
    large: boolean,
  ) {
    [this.random, this.#trace, this.#sizes, this.#large] = [random, trace, sizes, large];
    [this.#inputs, this.#variables] = [leaves.inputs, leaves.variables];
    for (const [name, leaf] of [...this.#inputs, ...this.#variables]) this.#see(name, leaf);
  }

  #see(name: string, { shape, dtype }: Leaf): void {
    this.add(name, this.#trace.feed(name, { shape, dtype, domain: "real" }));
  }

  /** Makes a value known, as its name. */
  add(name: string, t: Tensor): Ref {
    this.#values.set(name, t);
    return { ref: name };
  }

  tensorOf({ ref }: Ref): Tensor {
    return this.#values.get(ref)!;
  }

  shapeOf(ref: Ref): readonly number[] {
    return this.tensorOf(ref).shape as readonly number[];
  }

  dtypeOf(ref: Ref): DType {
    return this.tensorOf(ref).dtype;
  }

  /** The value that a tensor of this builder is. */
  refOf(t: Tensor): Ref | undefined {
    for (const [name, value] of this.#values) if (value === t) return { ref: name };
    return undefined;
  }

  /** All that there is, newest last. */
  values(options: OperandOptions = {}): readonly Ref[] {
    const { dtype, shape, ranks = [0, 4], fits = () => true } = options;
    return [...this.#values].flatMap(([ref, t]) => {
      const ownShape = t.shape as readonly number[];
      const ok =
        (dtype === undefined || t.dtype === dtype) &&
        (shape === undefined || shape.join() === ownShape.join()) &&
        ownShape.length >= ranks[0] &&
        ownShape.length <= ranks[1] &&
        fits(ownShape);
      return ok ? [{ ref }] : [];
    });
  }

  /** A value of that kind: mostly one that is there, newer ones more often; else a new leaf. */
  operand(options: OperandOptions = {}): Ref {
    const { dtype = "float32", kind = "real" } = options;
    const { random } = this;
    const candidates = this.values({ ...options, dtype });
    if (candidates.length > 0 && kind === "real" && random.chance(0.75)) {
      return random.chance(0.5)
        ? candidates[candidates.length - 1 - Math.floor(random.uniform() ** 2 * candidates.length)]!
        : random.pick(candidates);
    }
    return this.leaf(this.shape(options), dtype, kind);
  }

  float = (options: Omit<OperandOptions, "dtype"> = {}): Ref => this.operand({ ...options, dtype: "float32" });

  /** float32, int32 or bool: where a function takes all. */
  mixed = (options: Omit<OperandOptions, "dtype"> = {}): Ref =>
    this.operand({ ...options, dtype: this.random.pick(["float32", "float32", "float32", "int32", "int32", "bool"] as const) });

  /** A new input, or a new variable. */
  leaf(shape: readonly number[], dtype: DType, kind: Kind): Ref {
    const leaf = { shape, dtype, data: drawElements(this.random, shape, dtype, kind) };
    const isVariable = (kind === "real" || kind === "finite") && this.random.chance(0.25);
    const table = isVariable ? this.#variables : this.#inputs;
    const name = `${isVariable ? "v" : "x"}${table.size}`;
    table.set(name, leaf);
    this.#see(name, leaf);
    return { ref: name };
  }

  /** int32 indices into an axis of `size`. */
  indices = (shape: readonly number[], size: number): Ref => this.leaf(shape, "int32", { below: size });

  size(): number {
    return this.random.pick(this.#sizes);
  }

  /** A shape of the program's sizes. */
  shape({ shape, ranks = [0, 4], fits = () => true }: OperandOptions = {}): readonly number[] {
    if (shape !== undefined) return shape;
    const [least, most] = this.#large ? [32_768, 100_000] : [0, 400];
    for (let tries = 0; tries < 40; tries++) {
      const rank = Math.max(ranks[0], Math.min(ranks[1], this.random.pick([0, 1, 1, 2, 2, 2, 2, 3, 3, 4])));
      const sizes = Array.from({ length: rank }, () => this.size());
      const elements = sizes.reduce((a, b) => a * b, 1);
      if (elements <= most && (elements >= least || tries >= 20) && fits(sizes)) return sizes;
    }
    throw new Refused();
  }

  /** A shape that broadcasts to this one: axes left out in front, and axes of size 1. */
  narrower(shape: readonly number[]): readonly number[] {
    const { random } = this;
    const from = random.chance(0.6) ? 0 : random.integer(0, shape.length);
    return shape.slice(from).map((size) => (random.chance(0.25) ? 1 : size));
  }

  axis(shape: readonly number[]): number {
    const axis = this.random.integer(0, shape.length - 1);
    return this.random.chance(0.3) ? axis - shape.length : axis;
  }

  /** A number that float32 holds, so that no backend rounds it. */
  number(): number {
    return this.random.chance(0.5) ? this.random.integer(-4, 8) / 2 : Math.fround(this.random.integer(-300, 300) / 100);
  }

  /**
   * Adds a call.
   *
   * @throws Refused where core refuses it: the form is then drawn once more, or another
   */
  call(call: string, ...args: readonly Arg[]): Ref {
    return this.take(call, undefined, ...args);
  }

  /** Adds a call of which one result is taken: ".values", "[1]". */
  take(call: string, take: string | undefined, ...args: readonly Arg[]): Ref {
    const result = `t${this.steps.length}`;
    const step: Step = { result, call, args, ...(take === undefined ? {} : { take }) };
    let output: Tensor;
    try {
      output = this.#trace.run(() => runStep(step, (name) => this.#values.get(name)!));
    } catch (error) {
      if (error instanceof ErmineError) throw new Refused(error);
      throw error;
    }
    const elements = (output.shape as readonly number[]).reduce((a, b) => a * b, 1);
    if (elements > (this.#large ? 400_000 : 4000)) throw new Refused();
    this.steps.push(step);
    return this.add(result, output);
  }

  /** Runs fn, which makes its tensors by this builder. */
  traced<T>(fn: () => T): T {
    return this.#trace.run(fn);
  }

  /** Forgets the steps after the first `count`. */
  rewind(count: number): void {
    for (const { result } of this.steps.splice(count)) this.#values.delete(result);
  }
}

/** A form does not fit here: core refused its call, or it found no operands. */
export class Refused extends Error {
  constructor(cause?: Error) {
    super(cause?.message ?? "no operand fits", { cause });
  }
}
