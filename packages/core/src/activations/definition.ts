/** Definitions of activations: an op over one tensor with options, and its properties for metrics and messages. */
import { fusedGradient, type Gradient } from "../ops/gradient.js";
import { bindBuiltin } from "../ir/kernels.js";
import { defineOp, type Attributes, type Op, type OptionalTensors, type Tensors } from "../ir/op.js";
import { markCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkDefinition, checkOptions, kindsOf, show } from "../types/options.js";
import { apply1 } from "../ops/apply.js";
import { defineFusedOp } from "../ops/fused.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { reshape } from "../ops/shape.js";
import { isScalarAxis, normalizeAxis, type Shape } from "../types/dim.js";
import type { Domain } from "../types/dtype.js";

type Options = Readonly<Record<string, unknown>>;

/** The meaning of an activation; only `name` and `decompose` are needed. */
export interface ActivationSpec<O extends Options, D extends Domain> {
  /** As golden values and configurations name it: "leakyRelu". */
  readonly name: string;
  /** Every option with its default. */
  readonly options?: O;
  /** Throws an ErmineError where an option's value is not allowed. */
  check?(options: O): void;
  /** The domain of the output; default "real". */
  readonly output?: D;
  /** The op, where it exists already; otherwise it is made of what follows. */
  readonly op?: Op;
  /** The output's shape; default: the input's. */
  shape?(shape: Shape, options: O): Shape;
  /** f(x) in ops. */
  decompose(x: Tensor, options: O): Tensor;
  /** gradOutput · f′(x) in ops, where it should not be the derivative of `decompose`: kinks, stability, speed. */
  gradient?(gradOutput: Tensor, x: Tensor, y: Tensor, options: O): Tensor;
  /** Where the derivative jumps: finite differences keep away. */
  readonly kinks?: (options: O) => readonly number[];
  /** For each option a value that changes the result: the proof that it has effect. */
  readonly optionExamples?: Partial<O>;
}

const parts = {
  name: "string",
  options: "object",
  check: "function",
  output: "string",
  op: "object",
  shape: "function",
  decompose: "function",
  gradient: "function",
  kinks: "function",
  optionExamples: "object",
} as const;

/** An activation: a function of a tensor that carries its definition. */
export interface Activation<O extends Options = Options, D extends Domain = Domain> {
  (x: Tensor, options?: Partial<O>): Tensor<D>;
  /** As golden values and configurations name it: "leakyRelu". */
  readonly activationName: string;
  /** Its op. */
  readonly op: Op;
  /** Every option with its default. */
  readonly defaults: O;
  /** The domain of the output. */
  readonly output: D;
  /** For each option a value that changes the result. */
  readonly optionExamples: Partial<O>;
  /** Where the derivative jumps, with these options. */
  kinks(options?: Partial<O>): readonly number[];
  /**
   * Refuses options that it does not have, or not with these values.
   *
   * @throws ErmineError ERMINE_OPTION for options that it does not have, or not with these values
   */
  check(options?: Partial<O>): void;
  /** It draws random numbers where its option `training` is true; its module says so while it trains. */
  readonly training?: true;
}

/**
 * Defines an activation: its op (`spec.name`), a backward op of its own where it states a gradient, and the function.
 *
 * @example export const mish = defineActivation({ name: "mish", decompose: (x) => mul(x, tanh(softplus(x))) });
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineActivation<O extends Options = Record<string, never>, D extends Domain = "real">(
  spec: ActivationSpec<O, D>,
): Activation<O, D> {
  if (arguments.length > 1) checkArguments("defineActivation", arguments, 1);
  checkDefinition<ActivationSpec<O, D>>("defineActivation", spec, parts, ["name", "decompose"]);
  const { gradient } = spec;
  const meaning = opOf(spec);
  const fused = (rule: NonNullable<typeof gradient>): Op =>
    defineFusedOp({ ...meaning, gradient: ([g], [x], [y], attributes) => [rule(g!, x!, y!, attributes as O)] });
  return activationOf(spec, spec.op ?? (gradient === undefined ? meaning : fused(gradient)));
}

/** @internal An activation of core's own: the kernels of its op's name are its. Its gradient is no part of it: see `activationGradient`. */
/* @__NO_SIDE_EFFECTS__ */
export function builtinActivation<O extends Options = Record<string, never>, D extends Domain = "real">(
  spec: Omit<ActivationSpec<O, D>, "gradient">,
): Activation<O, D> {
  const op = spec.op ?? opOf(spec);
  bindBuiltin(op);
  return activationOf(spec, op);
}

/** The op that an activation means. */
const opOf = <O extends Options, D extends Domain>(
  spec: Pick<ActivationSpec<O, D>, "name" | "output" | "shape" | "decompose">,
): Op =>
  defineOp({
    name: spec.name,
    inputs: [{ name: "x", dtype: "float32" }],
    infer: ([x], attributes) => [
      { ...x!, shape: spec.shape?.(x!.shape, attributes as O) ?? x!.shape, domain: spec.output ?? "real" },
    ],
    decompose: ([x]: OptionalTensors, attributes: Attributes): Tensors => [spec.decompose(x!, attributes as O)],
  });

/** The function of an op, and what people and programs want to know of it. */
function activationOf<O extends Options, D extends Domain>(
  spec: Omit<ActivationSpec<O, D>, "gradient" | "op">,
  op: Op,
): Activation<O, D> {
  const defaults = (spec.options ?? {}) as unknown as O;
  const output = (spec.output ?? "real") as D;
  const kinds = kindsOf<Partial<O>>(defaults);
  const complete = (options: Partial<O> | undefined): O => {
    if (options === undefined) return defaults;
    checkOptions<Partial<O>>(spec.name, options, kinds, "x");
    const chosen = { ...defaults, ...options };
    for (const [key, value] of Object.entries(chosen)) {
      const standard = defaults[key];
      if (typeof value !== typeof standard || (typeof value === "number" && Number.isNaN(value))) {
        throw new ErmineError(
          "ERMINE_OPTION",
          `${spec.name}: ${key} must be a ${typeof standard} (default ${String(standard)}), got ${show(value)}.`,
        );
      }
    }
    spec.check?.(chosen);
    return chosen;
  };
  const activation = (x: Tensor, options?: Partial<O>, ...more: readonly never[]): Tensor<D> => {
    checkTensor(spec.name, x);
    if (more.length > 0) checkArguments(spec.name, [x, options, ...more], 2);
    let attributes: Attributes = complete(options);
    if (typeof attributes["axis"] === "number") {
      if (isScalarAxis(attributes["axis"], x.rank)) return reshape(activation(reshape(x, [1]), options), []) as Tensor<D>;
      attributes = { ...attributes, axis: normalizeAxis(spec.name, attributes["axis"], x.rank) };
    }
    return apply1(op, [x], attributes) as Tensor<D>;
  };
  return Object.assign(markCopy("activation", activation), {
    activationName: spec.name,
    op,
    defaults,
    output,
    optionExamples: spec.optionExamples ?? {},
    kinks: (options?: Partial<O>) => spec.kinks?.(complete(options)) ?? [],
    check: (options?: Partial<O>) => void complete(options),
  });
}

type OptionsOf<A> = A extends Activation<infer O, Domain> ? O : never;

/**
 * @internal gradOutput · f′(x) of core's activation of that name, where it should not be the derivative of `decompose`: kinks, stability, speed. Next to
 * the activation, but no part of it: see `Gradient`.
 */
/* @__NO_SIDE_EFFECTS__ */
export const activationGradient = <A>(
  name: string,
  rule: (gradOutput: Tensor, x: Tensor, y: Tensor, options: OptionsOf<A>) => Tensor,
): Gradient => fusedGradient<Op>(name, ([g], [x], [y], options) => [rule(g!, x!, y!, options as OptionsOf<A>)]);
