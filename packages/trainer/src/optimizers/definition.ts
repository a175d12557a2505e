/**
 * What an optimizer is: from a parameter, its gradient, the numbers kept beside it and the step's scalars to new values, in ops.
 * Each definition is one op (`adamUpdate`), which a backend may have as one kernel; otherwise it runs as what it means.
 */
import {
  apply,
  bindKernels,
  checkArguments,
  checkCopy,
  checkOptions,
  defineOp,
  ErmineError,
  kindsOf,
  markCopy,
  neg,
  reshape,
  show,
  slice,
  type Op,
  type Tensor,
} from "@ermine/core";
import { ageOf, rateAt, type Rate, type Schedule, type Time } from "../schedules/schedule.js";

/** An optimizer with its options: pure; the trainer keeps its state. */
export interface Optimizer {
  /** For messages and `trainer.configuration`. */
  readonly name: string;
  /** Its options with their values. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What is kept beside a parameter of that shape, by name. */
  slots(shape: readonly number[]): Readonly<Record<string, Slot>>;
  /** How many numbers `scalars` gives. */
  readonly scalarCount: number;
  /** What changes from step to step, in float64 on the host; fed as part of one vector. */
  scalars(time: Time): readonly number[];
  /** New values of the parameters and of their slots (a list for each parameter, in the order of `slots`). */
  update(state: OptimizerState, gradients: readonly Tensor[], scalars: Tensor): OptimizerState;
  /** Schedules that follow a metric, so that the trainer can tell them. */
  readonly rates: readonly Rate[];
  /**
   * May a step be taken on the rows of a table that were looked up, and no others? "same": the others would not have moved; "only": it is what the
   * optimizer means. Absent: no.
   */
  readonly rows?: "same" | "only";
  /** The slot that holds an average of the parameter's values, where there is one. */
  readonly average?: string;
}

/** Numbers kept beside a parameter: what they start from ("parameter": a copy of it), and their shape. */
export interface Slot {
  /** What it holds before the first step. */
  readonly start: SlotStart;
  /** The shape of its value. */
  readonly shape: readonly number[];
}
/** A number that fills the slot, or "parameter": a copy of the parameter. */
export type SlotStart = number | "parameter";

/** Parameters and what is kept beside each. */
export interface OptimizerState {
  /** The parameters' values. */
  readonly parameters: readonly Tensor[];
  /** What is kept for each parameter. */
  readonly slots: readonly (readonly Tensor[])[];
  /** The parameters' names, for what depends on them. */
  readonly names?: readonly string[];
}

/** Options that each optimizer has. */
export interface CommonOptions {
  /** The size of a step: a number, or a schedule. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule. Where it enters is the optimizer's. */
  readonly weightDecay: Rate;
  /** Climb instead of descend. Default false. */
  readonly maximize: boolean;
}

/** Momentum as ops take it: μ and 1 − μ, numbers of the program where it is fixed, fed where it is scheduled. */
export interface Momentum {
  readonly kept: number | Tensor;
  readonly taken: number | Tensor;
}

/** The definition of an optimizer. */
export interface OptimizerSpec<O extends CommonOptions> {
  /** As golden values and configurations name it: "adamw". */
  readonly name: string;
  /** Every option with its default: PyTorch's. */
  readonly defaults: O;
  /** The option that is the momentum, which a schedule may move; `check` sees its first value. */
  readonly momentum?: keyof O & ("momentum" | "beta1");
  /** Throws an ErmineError where an option's value is not allowed. */
  check?(options: O): void;
  /** What is kept beside a parameter of that shape; a start alone has the parameter's shape. */
  slots(options: O, shape: readonly number[]): Readonly<Record<string, SlotStart | Slot>>;
  /** The slot that holds an average of the parameter's values. Default: none does. */
  readonly average?: string;
  /** With these options: see Optimizer. */
  rows?(options: O): "same" | "only" | undefined;
  /** Scalars of the parameters' step-th update (0 the first); learning rate, decay and momentum (0 where there is none) are their values now. */
  scalars(options: O, now: { step: number; learningRate: number; weightDecay: number; momentum: number }): readonly number[];
  /** The step, in ops; `s(i)` is the i-th scalar, the gradient has its sign for `maximize` already. */
  step(
    inputs: {
      readonly p: Tensor;
      readonly g: Tensor;
      readonly slots: readonly Tensor[];
      readonly momentum: Momentum;
      s(i: number): Tensor;
    },
    options: O,
  ): readonly [parameter: Tensor, ...slots: Tensor[]];
  /** The name of the op; default `<name>Update`. Optimizers that differ in static options share one. */
  readonly op?: string;
}

/**
 * The i-th number of a vector, as a scalar tensor.
 *
 * @example
 * scalarAt(tensor([3, 4]), 1).item(); // => 4
 */
export const scalarAt = (vector: Tensor, i: number): Tensor => reshape(slice(vector, [i], [1]), []);

/** Any of the options; a default of `false` stands for either. */
export type OptionsOf<O> = { readonly [K in keyof O]?: O[K] extends boolean ? boolean : O[K] };

const habit = (name: string, instead: string) => (): never => {
  throw new ErmineError("ERMINE_USAGE", `An optimizer has no ${name}(): it keeps no parameters. ${instead}`);
};

/** What hands used to PyTorch and tfjs call. */
const habits: object = {
  step: habit("step", "A Trainer applies it; in a loop of your own update() gives the new values, which you assign."),
  zeroGrad: habit("zeroGrad", "valueAndGrad returns fresh gradients, nothing accumulates."),
  minimize: habit("minimize", "A Trainer does that: new Trainer({ model, loss, optimizer, backend }).fit(data)."),
};

/**
 * Makes an optimizer's function of its definition.
 *
 * @example
 * const plain = defineOptimizer({
 *   name: "plain",
 *   defaults: { learningRate: 0.1, weightDecay: 0, maximize: false },
 *   slots: () => ({}),
 *   scalars: (_, { learningRate }) => [learningRate],
 *   step: ({ p, g, s }) => [sub(p, mul(g, s(0)))],
 * });
 * plain({ learningRate: 0.5 }).name; // => plain
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineOptimizer<O extends CommonOptions>(spec: OptimizerSpec<O>): (options?: OptionsOf<O>) => Optimizer {
  return optimizerOf(spec, (op) => op);
}

/** @internal An optimizer of the trainer's own: the kernels of its op's name are its. */
/* @__NO_SIDE_EFFECTS__ */
export function builtinOptimizer<O extends CommonOptions>(spec: OptimizerSpec<O>): (options?: OptionsOf<O>) => Optimizer {
  return optimizerOf(spec, bindKernels);
}

/** @param marked takes the optimizer's ops when they are made */
/* @__NO_SIDE_EFFECTS__ */
function optimizerOf<O extends CommonOptions>(
  spec: OptimizerSpec<O>,
  marked: <T extends Op<{ readonly options: O }>>(op: T) => T,
): (options?: OptionsOf<O>) => Optimizer {
  const opName = spec.op ?? `${spec.name}Update`;
  const momentumOf = (options: O): Rate => (spec.momentum === undefined ? 0 : (options[spec.momentum] as Rate));
  /** @param scheduled whether μ and 1 − μ are the last two scalars: another op, for kernels have the momentum in the program */
  const updateOp = (name: string, scheduled: boolean): Op<{ readonly options: O }> =>
    defineOp({
      name,
      inputs: [
        { name: "parameter", dtype: "float32", differentiable: false },
        { name: "gradient", dtype: "value", differentiable: false },
        { name: "slots and scalars", dtype: "float32", variadic: true, differentiable: false },
      ],
      infer: (types) => types.filter((_, i) => i !== 1 && i !== types.length - 1).map((type) => ({ ...type!, domain: "real" })),
      decompose(operands, { options }) {
        const [p, gradient, ...rest] = operands as Tensor[];
        const scalars = rest.pop()!;
        const g = options.maximize ? neg(gradient!) : gradient!;
        const s = (i: number): Tensor => scalarAt(scalars, i);
        const fixed = momentumOf(options) as number;
        const count = scalars.shape[0] as number;
        const momentum = scheduled ? { kept: s(count - 2), taken: s(count - 1) } : { kept: fixed, taken: 1 - fixed };
        return [...spec.step({ p: p!, g, slots: rest, momentum, s }, options)];
      },
    });
  const fixedOp = marked(updateOp(opName, false));
  const scheduledOp = marked(updateOp(`scheduled${opName[0]!.toUpperCase()}${opName.slice(1)}`, true));
  // A rate is a number or a schedule.
  const rates = {
    learningRate: rateKinds,
    weightDecay: rateKinds,
    ...(spec.momentum === undefined ? {} : { [spec.momentum]: rateKinds }),
  };
  const known = { ...kindsOf(spec.defaults), ...rates };
  return (given = {}, ...more: readonly never[]) => {
    if (more.length > 0) checkArguments(spec.name, [given, ...more], 1);
    checkOptions<object>(spec.name, given, known);
    const options = { ...spec.defaults, ...given } as O;
    checkRates(spec.name, options, Object.keys(rates));
    const rate = momentumOf(options);
    const scheduled = isSchedule(rate);
    const withMomentum = (momentum: number): O => (scheduled ? { ...options, [spec.momentum as keyof O]: momentum } : options);
    spec.check?.(withMomentum(rateAt(rate, { step: 0, epoch: 0 })));
    // Not 0, so that it has its slot.
    const settled = withMomentum(1);
    // Rates are fed: what stays in the op's attributes is static and plain.
    const attributes = { options: { ...settled, learningRate: 0, weightDecay: hasDecay(options.weightDecay) ? 1 : 0 } };
    const op = scheduled ? scheduledOp : fixedOp;
    const scalars = (time: Time): readonly number[] => {
      const momentum = rateAt(rate, time);
      const own = spec.scalars(settled, {
        step: ageOf(time),
        learningRate: rateAt(options.learningRate, time),
        weightDecay: rateAt(options.weightDecay, time),
        momentum,
      });
      return scheduled ? [...own, momentum, 1 - momentum] : own;
    };
    const rows = spec.rows?.(settled);
    return markCopy<Optimizer>("optimizer", {
      ...habits,
      name: spec.name,
      options: options as unknown as Readonly<Record<string, unknown>>,
      slots: (shape) => shapedSlots(spec.slots(settled, shape), shape),
      ...(rows === undefined ? {} : { rows }),
      ...(spec.average === undefined ? {} : { average: spec.average }),
      scalarCount: scalars({ step: 0, epoch: 0 }).length,
      scalars,
      rates: [options.learningRate, options.weightDecay, ...(scheduled ? [rate] : [])],
      update({ parameters, slots }, gradients, vector) {
        const next = parameters.map((p, i) => apply(op, [p, gradients[i]!, ...slots[i]!, vector], attributes));
        return { parameters: next.map((outputs) => outputs[0]!), slots: next.map((outputs) => outputs.slice(1)) };
      },
    });
  };
}

/** @internal @throws ErmineError ERMINE_OPTION where something is no optimizer: its name, or its function, which was not called */
export function checkOptimizer(where: string, value: unknown): asserts value is Optimizer {
  checkCopy(where, value);
  const { update, slots } = (value ?? {}) as Partial<Optimizer>;
  if (typeof update === "function" && typeof slots === "function") return;
  const name = typeof value === "string" ? value : typeof value === "function" ? value.name : "";
  const right = name === "" ? "adam()" : `${name}()`;
  const imported = typeof value === "string" ? `, with import { ${name} } from "@ermine/trainer"` : "";
  throw new ErmineError("ERMINE_OPTION", `${where} is an optimizer, got ${show(value)}. Write ${right}${imported}.`);
}

/** @internal Slots that are a start alone have the parameter's shape. */
export const shapedSlots = (
  slots: Readonly<Record<string, SlotStart | Slot>>,
  shape: readonly number[],
): Readonly<Record<string, Slot>> =>
  Object.fromEntries(
    Object.entries(slots).map(([name, slot]) => [name, typeof slot === "object" ? slot : { start: slot, shape }]),
  );

const rateKinds = ["number", "object"] as const;

const isSchedule = (rate: unknown): rate is Schedule => typeof rate === "object" && rate !== null && "at" in rate;

export const hasDecay = (weightDecay: Rate): boolean => weightDecay !== 0;

function checkRates(name: string, options: object, keys: readonly string[]): void {
  for (const key of keys) {
    const rate = (options as Readonly<Record<string, unknown>>)[key];
    if (typeof rate === "number" ? Number.isFinite(rate) && rate >= 0 : isSchedule(rate)) continue;
    throw new ErmineError("ERMINE_OPTION", `${name}: ${key} is a number ≥ 0 or a schedule, got ${show(rate)}.`);
  }
}

/** @throws ErmineError ERMINE_OPTION where an option is not in [minimum, maximum) */
export function checkRange(name: string, options: object, keys: readonly string[], minimum: number, maximum: number): void {
  for (const key of keys) {
    const value = (options as Record<string, unknown>)[key];
    if (typeof value === "number" && value >= minimum && value < maximum) continue;
    throw new ErmineError("ERMINE_OPTION", `${name}: ${key} must be in [${minimum}, ${maximum}), got ${String(value)}.`);
  }
}
