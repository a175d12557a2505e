/**
 * Definitions of losses: a value for each element of the batch, and its weight in the mean. Core alone makes mean, sum and
 * none of it, so that ignoring, class weights, sample weights and uneven batches are right for every loss.
 */
import { valuesToCheck } from "../dispatch/valuesToCheck.js";
import { checkCopy, markCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkDefinition, checkOptions, kindsOf, show, type OptionKinds } from "../types/options.js";
import { div, mul } from "../ops/arithmetic.js";
import { conform } from "../ops/conform.js";
import type { InputDType } from "../ir/inputs.js";
import { elementCount } from "../ops/statistics.js";
import { sum } from "../ops/reduction.js";
import { broadcastTo, reshape } from "../ops/shape.js";
import { formatShape, sameShape, sameSize } from "../types/dim.js";
import type { TensorType } from "../types/storage.js";
import type { Domain } from "../types/dtype.js";
import { Tensor } from "../types/tensor.js";
import { context } from "../dispatch/context.js";
import { withoutRankPromotion } from "../dispatch/rankPromotion.js";
import { checkElements, type Elements } from "./elements.js";
export type { Elements } from "./elements.js";
import type { Draw, Samples } from "./samples.js";
import type { ValueRule, ValueRuleOf } from "./values.js";

/** The function from the model's output to what metrics and `predict` read. */
export type Link = "identity" | "softmax" | "sigmoid" | "exp";

/** A link that depends on options or on the target, whose type is not always known: undefined says that it must be. */
export type LinkOf<O extends object> = (options: O, target: TensorType | undefined) => Link | undefined;

/**
 * The role of an input of a loss. "prediction": the model's output, or one of several. "target": what predictions are compared with, from the data set.
 * "auxiliary": what else the loss needs of the data set (lengths).
 */
export type LossInputRole = "prediction" | "target" | "auxiliary";

/** An input of a loss, in call order. */
export interface LossInput {
  /** For people: messages and documentation. Nothing depends on it. */
  readonly name: string;
  /** Default: "prediction" for the first input, "target" for the others. */
  readonly role?: LossInputRole;
  /** Which dtypes it takes, and which are cast first: `elements` sees no other. Default "any". */
  readonly dtype?: InputDType;
  /** The domain that it must have; absent: any. "real" refuses tensors tagged with a domain, the others require the tag. */
  readonly domain?: Domain;
  /** Said after the domain's error: what to do about it. */
  readonly remedy?: string;
  /** The rule for its values. Values on the host and those of a data set are checked; what is computed is not read. */
  readonly values?: ValueRule | ValueRuleOf;
}

/** The tensors that a loss with these inputs takes: each of the domain that its input states. */
export type LossTensors<N extends readonly LossInput[]> = {
  readonly [K in keyof N]: N[K] extends { readonly domain: infer D extends Domain } ? Tensor<D> : Tensor;
};

/** How the values of a loss become one: their mean, their sum, or not at all. */
export type Reduction = "mean" | "sum" | "none";

/** Options that every loss has. */
export interface CommonOptions<R extends string = Reduction> {
  /** Default "mean": Σ value / Σ normalizer. */
  readonly reduction?: R;
  /** The weight of each sample, (N): multiplies its value and its normalizer. Default: 1 each. */
  readonly sampleWeight?: Tensor;
}

/** The definition of a loss. `O` are its own options with their defaults; tensors default to undefined. */
export interface LossSpec<I extends readonly Tensor[], O extends object, R extends string = Reduction> {
  /** As golden values and configurations name it: "crossEntropy". */
  readonly name: string;
  /** One for all, or by options and target. */
  readonly link: Link | LinkOf<O>;
  /** The inputs, in call order. */
  readonly inputs: { readonly [K in keyof I]: LossInput };
  /** Every option of its own with its default; tensors default to undefined. Default: no options. */
  readonly options?: O;
  /** Of which kind an option is, where its default does not say: default a tensor where that is undefined. */
  readonly kinds?: Partial<OptionKinds<O>>;
  /** Throws an ErmineError where an option's value is not allowed. */
  check?(options: O): void;
  /** The value of each element of the batch, and what it counts for. */
  elements(inputs: I, options: O): Elements;
  /** Reductions beyond mean, sum and none, or means that PyTorch takes otherwise. */
  readonly reductions?: { readonly [name in R]?: (elements: Elements, inputs: I) => Tensor };
  /** For each option a value that changes the result: the proof that it has effect. Tensors are in `samples`. */
  readonly optionExamples?: Partial<O>;
  /** Options whose witness has another gradient than the slope of the value: PyTorch's. */
  readonly nonGradientOptions?: readonly (keyof O)[];
  /** Inputs for the laws; default: (N, 3) values of each input's domain. */
  readonly samples?: Samples<I, O>;
}

/** A loss: a function of predictions and targets that carries its definition. */
export interface Loss<I extends readonly Tensor[] = readonly Tensor[], O extends object = object, R extends string = string> {
  (...args: [...I, options?: Partial<O> & CommonOptions<R>]): Tensor<"real">;
  /** As golden values and configurations name it: "crossEntropy". */
  readonly lossName: string;
  /** Each with its role. */
  readonly inputs: readonly (LossInput & Required<Pick<LossInput, "role">>)[];
  /** Every option of its own with its default. */
  readonly defaults: O;
  /** For each option a value that changes the result. */
  readonly optionExamples: Partial<O>;
  /** Options whose gradient is not the slope of the value: PyTorch's. */
  readonly nonGradientOptions: readonly (keyof O)[];
  /** Inputs for tests. */
  readonly samples: Samples<I, O>;
  /** The link for targets of this type; undefined where it depends on a type that is not given. */
  linkOf(target?: TensorType): Link | undefined;
  /** Rules for the values of each input, from the types of all; undefined: any values. */
  valueRules(types: readonly TensorType[]): readonly (ValueRule | undefined)[];
  /** Before the reduction: what the trainer sums over micro-batches. */
  elements(inputs: I, options?: Partial<O> & Pick<CommonOptions, "sampleWeight">): Elements;
  /**
   * Refuses options that it does not have, or not with these values.
   *
   * @throws ErmineError ERMINE_OPTION for options that it does not have, or not with these values
   */
  check(options?: Partial<O> & CommonOptions<R>): void;
  /** The same loss with other defaults. */
  with(options: Partial<O>): Loss<I, O, R>;
}

const parts = {
  name: "string",
  link: ["string", "function"],
  inputs: "list",
  options: "object",
  kinds: "object",
  check: "function",
  elements: "function",
  reductions: "object",
  optionExamples: "object",
  nonGradientOptions: "list",
  samples: "object",
} as const;

const common = { reduction: "string", sampleWeight: "tensor" } as const;

const roles: readonly LossInputRole[] = ["prediction", "target", "auxiliary"];

/** The inputs, each with its role. @throws ErmineError ERMINE_OPTION where a role is none, or no input is a prediction */
function withRoles(loss: string, inputs: readonly LossInput[]): Loss["inputs"] {
  const complete = inputs.map((input, i) => ({ ...input, role: input.role ?? (i === 0 ? "prediction" : "target") }));
  const wrong = complete.find(({ role }) => !roles.includes(role));
  if (wrong !== undefined) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `${loss}: the role of ${wrong.name} is one of ${roles.join(", ")}; got ${show(wrong.role)}.`,
    );
  }
  if (!complete.some(({ role }) => role === "prediction")) {
    throw new ErmineError("ERMINE_OPTION", `${loss}: no input has the role "prediction": say which is the model's output.`);
  }
  return complete;
}

/**
 * Makes a loss of its definition.
 *
 * @throws ErmineError ERMINE_OPTION where an input's role is none, or no input is a prediction
 * @example
 * const absolute = defineLoss({
 *   name: "absolute",
 *   link: "identity",
 *   inputs: [{ name: "prediction", dtype: "float32" }, { name: "target", dtype: "value" }],
 *   elements: ([prediction, target]) => ({ value: abs(sub(prediction, target)) }),
 * });
 * absolute(tensor([1, 2]), tensor([0, 4])).item(); // => 1.5
 */
export function defineLoss<
  const N extends readonly LossInput[],
  O extends object = Record<never, never>,
  R extends string = Reduction,
>(
  spec: Omit<LossSpec<LossTensors<N>, O, R>, "inputs"> & {
    /** The inputs, in call order: `elements` takes as many tensors. */
    readonly inputs: N;
  },
): Loss<LossTensors<N>, O, R>;
export function defineLoss<I extends readonly Tensor[], O extends object = Record<never, never>, R extends string = Reduction>(
  spec: LossSpec<I, O, R>,
): Loss<I, O, R>;
// Bundlers read it of the implementation: nobody's losses are dropped without it.
/* @__NO_SIDE_EFFECTS__ */
export function defineLoss<I extends readonly Tensor[], O extends object, R extends string>(
  spec: LossSpec<I, O, R>,
): Loss<I, O, R> {
  if (arguments.length > 1) checkArguments("defineLoss", arguments, 1);
  checkDefinition<LossSpec<I, O, R>>("defineLoss", spec, parts, ["name", "link", "inputs", "elements"]);
  return completed(spec, (spec.options ?? {}) as O);
}

function completed<I extends readonly Tensor[], O extends object, R extends string>(
  spec: LossSpec<I, O, R>,
  defaults: O,
): Loss<I, O, R> {
  const lossKinds = { ...kindsOf((spec.options ?? {}) as O, "tensor"), ...spec.kinds };
  const kinds = { ...lossKinds, ...common };
  const before = spec.inputs.map(({ name }: LossInput) => name).join(", ");

  function choose(options: Partial<O> & Pick<CommonOptions, "sampleWeight">): O {
    checkOptions<object>(spec.name, options, kinds, before);
    const { sampleWeight: _, ...lossOptions } = options;
    const chosen = optionTensors(spec.name, { ...defaults, ...withoutUndefined(lossOptions) }) as O;
    spec.check?.(chosen);
    return chosen;
  }

  function elements(inputs: I, options: Partial<O> & Pick<CommonOptions, "sampleWeight"> = {}): Elements {
    const chosen = choose(options);
    spec.inputs.forEach((input, i) => checkInput(spec.name, input, inputs[i]));
    const fitting = conform(spec.name, spec.inputs, inputs);
    // Of what was given: a cast has its values on a backend.
    checkKnownValues(inputs, chosen);
    const values = withoutRankPromotion(spec.name, fitting, () => spec.elements(fitting, chosen));
    const { sampleWeight } = optionTensors(spec.name, options);
    checkElements(spec.name, values, inputs);
    return sampleWeight === undefined ? values : weighted(spec.name, values, sampleWeight);
  }

  const rulesOf = (types: readonly TensorType[], options: O): readonly (ValueRule | undefined)[] =>
    spec.inputs.map(({ values }: LossInput) => (typeof values === "function" ? values(options, types) : values));

  function checkKnownValues(inputs: I, options: O): void {
    if (inputs.every(({ state }) => state.kind === "eager" && state.host === undefined)) return;
    rulesOf(inputs, options).forEach((rule, i) => {
      if (rule === undefined) return;
      const check = (values: ArrayLike<number>): void => rule.check(spec.name, spec.inputs[i]!.name, values);
      const { state } = inputs[i]!;
      if (state.kind === "traced") context.trace?.requireValues(inputs[i]!, check);
      else {
        const values = valuesToCheck(inputs[i]!);
        if (values !== undefined) check(values);
      }
    });
  }

  function loss(...args: readonly unknown[]): Tensor<"real"> {
    const inputs = args.slice(0, spec.inputs.length) as unknown as I;
    const lastArgument = args[spec.inputs.length];
    const options = (lastArgument === undefined ? {} : lastArgument) as Partial<O> & CommonOptions<R>;
    if (args.length > spec.inputs.length + 1) checkArguments(spec.name, args, spec.inputs.length + 1);
    checkOptions<object>(spec.name, options, kinds, before);
    checkReduction(spec, options.reduction ?? "mean");
    const values = elements(inputs, options as Partial<O>);
    return reduce(spec, values, inputs, options.reduction ?? "mean");
  }

  return Object.assign(markCopy("loss", loss as unknown as Loss<I, O, R>), {
    lossName: spec.name,
    linkOf: (target?: TensorType) => (typeof spec.link === "function" ? spec.link(defaults, target) : spec.link),
    valueRules: (types: readonly TensorType[]) => rulesOf(types, defaults),
    inputs: withRoles(spec.name, spec.inputs),
    defaults,
    optionExamples: spec.optionExamples ?? {},
    nonGradientOptions: spec.nonGradientOptions ?? [],
    samples: spec.samples ?? { numbers: (n, draw) => ({ inputs: inputsOf<I>(spec.inputs, n, draw) }) },
    elements,
    check(options: Partial<O> & CommonOptions<R> = {}) {
      choose(options as Partial<O>);
      checkReduction(spec, options.reduction ?? "mean");
    },
    with(options: Partial<O> = {}): Loss<I, O, R> {
      if (arguments.length > 1) checkArguments(`${spec.name}.with`, arguments, 1);
      checkOptions<object>(`${spec.name}.with`, options, lossKinds);
      return completed(spec, choose(options));
    },
  });
}

const inputsOf = <I extends readonly Tensor[]>(inputs: readonly LossInput[], n: number, draw: Draw): I =>
  inputs.map(({ domain = "real" }) => draw[domain]([n, 3])) as readonly Tensor[] as I;

/** Tensors among options say what something counts for: values. */
function optionTensors<T extends object>(loss: string, options: T): T {
  const tensors = Object.entries(options).filter(([, value]) => value instanceof Tensor && value.dtype !== "float32");
  if (tensors.length === 0) return options;
  const values = tensors.map(([name, t]) => [name, conform(loss, [{ name, dtype: "value" }], [t as Tensor])[0]]);
  return { ...options, ...Object.fromEntries(values) };
}

const withoutUndefined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;

function reduce<I extends readonly Tensor[], O extends object, R extends string>(
  spec: LossSpec<I, O, R>,
  values: Elements,
  inputs: I,
  reduction: string,
): Tensor<"real"> {
  const special = spec.reductions?.[reduction as R];
  if (special !== undefined) {
    const fitting = conform(spec.name, spec.inputs, inputs);
    return withoutRankPromotion(spec.name, [...fitting, values.value], () => special(values, fitting));
  }
  if (reduction === "none") return values.value;
  if (reduction === "sum") return sum(values.value);
  return div(sum(values.value), totalNormalizer(values));
}

function checkReduction(spec: { readonly name: string; readonly reductions?: object }, reduction: string): void {
  const reductions = ["mean", "sum", "none", ...Object.keys(spec.reductions ?? {})];
  if (reductions.includes(reduction)) return;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${spec.name}: reduction is one of ${[...new Set(reductions)].join(", ")}; got "${reduction}".`,
  );
}

/**
 * Σ normalizer: what the mean divides by.
 *
 * @example
 * totalNormalizer(mse.elements([tensor([1, 2]), tensor([1, 4])])); // => 2
 */
export function totalNormalizer(elements: Elements): Tensor | number {
  if (arguments.length > 1) checkArguments("totalNormalizer", arguments, 1);
  checkElements("totalNormalizer", elements, []);
  return elements.normalizer === undefined ? elementCount(elements.value) : sum(elements.normalizer);
}

/** @throws ErmineError ERMINE_SHAPE where it is not one weight a sample */
function weighted(name: string, { value, normalizer }: Elements, sampleWeight: Tensor): Elements {
  if (sampleWeight.rank !== 1 || value.rank === 0 || !sameSize(sampleWeight.shape[0]!, value.shape[0]!)) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${name}: sampleWeight is one number for each sample, [${String(value.shape[0] ?? "N")}], got ${formatShape(sampleWeight.shape)}.`,
    );
  }
  const weight = broadcastTo(reshape(sampleWeight, [sampleWeight.shape[0]!, ...value.shape.slice(1).map(() => 1)]), value.shape);
  return { value: mul(value, weight), normalizer: normalizer === undefined ? weight : mul(normalizer, weight) };
}

const domainText: Readonly<Record<Domain, string>> = {
  real: "logits or plain numbers",
  probabilities: "probabilities",
  logProbabilities: "log probabilities",
};

function checkInput(loss: string, { name, domain, remedy }: LossInput, t: unknown): void {
  checkCopy(`${loss}: ${name}`, t);
  if (!(t instanceof Tensor))
    throw new ErmineError("ERMINE_USAGE", `${loss}: ${name} must be a tensor, got ${show(t)}. Make it with tensor(...).`);
  if (domain === undefined || t.domain === domain) return;
  throw new ErmineError(
    "ERMINE_DOMAIN",
    `${loss} expects ${domainText[domain]} as its ${name}, got ${domainText[t.domain as Domain]}. ${remedy ?? ""}`.trim(),
  );
}

/** @internal @throws ErmineError ERMINE_SHAPE: nothing broadcasts by accident */
export function checkSameShape(loss: string, prediction: Tensor, target: Tensor, targetName = "target"): void {
  if (sameShape(prediction.shape, target.shape)) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${loss}: the prediction is ${formatShape(prediction.shape)} and the ${targetName} ${formatShape(target.shape)}. They must be equal: ` +
      "broadcasting would compare every prediction with every target. Reshape one, as in reshape(prediction, [-1]) for (N, 1) against (N).",
  );
}
