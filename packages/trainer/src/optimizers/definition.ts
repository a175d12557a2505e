/**
 * What an optimizer is: from a parameter, its gradient, the numbers kept beside it and the step's scalars to new values, in ops.
 * Each definition is one op (`adamUpdate`), which a backend may have as one kernel; otherwise it runs as what it means.
 */
import { apply, checkOptions, defineOp, ErmineError, neg, reshape, slice, type Op, type Tensor } from "@ermine/core";
import { ageOf, rateAt, type Rate, type Time } from "../schedules/schedule.js";

/** An optimizer with its options: pure; the trainer keeps its state. */
export interface Optimizer {
  readonly name: string;
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
  readonly start: SlotStart;
  readonly shape: readonly number[];
}
export type SlotStart = number | "parameter";

/** Parameters and what is kept beside each. */
export interface OptimizerState {
  readonly parameters: readonly Tensor[];
  readonly slots: readonly (readonly Tensor[])[];
  /** The parameters' names, for what depends on them. */
  readonly names?: readonly string[];
}

/** Options that each optimizer has. */
export interface CommonOptions {
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule. Where it enters is the optimizer's. */
  readonly weightDecay: Rate;
  /** Climb instead of descend. Default false. */
  readonly maximize: boolean;
}

export interface OptimizerSpec<O extends CommonOptions> {
  readonly name: string;
  /** Every option with its default: PyTorch's. */
  readonly defaults: O;
  check?(options: O): void;
  /** What is kept beside a parameter of that shape; a start alone has the parameter's shape. */
  slots(options: O, shape: readonly number[]): Readonly<Record<string, SlotStart | Slot>>;
  readonly average?: string;
  /** With these options: see Optimizer. */
  rows?(options: O): "same" | "only" | undefined;
  /** Scalars of the parameters' step-th update (0 the first); learning rate and decay are their values now. */
  scalars(options: O, now: { step: number; learningRate: number; weightDecay: number }): readonly number[];
  /** The step, in ops; `s(i)` is the i-th scalar, the gradient has its sign for `maximize` already. */
  step(
    inputs: { readonly p: Tensor; readonly g: Tensor; readonly slots: readonly Tensor[]; s(i: number): Tensor },
    options: O,
  ): readonly [parameter: Tensor, ...slots: Tensor[]];
  /** The name of the op; default `<name>Update`. Optimizers that differ in static options share one. */
  readonly op?: string;
}

/** The i-th number of a vector, as a scalar tensor. */
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

/** Makes an optimizer's function of its definition. */
/* @__NO_SIDE_EFFECTS__ */
export function defineOptimizer<O extends CommonOptions>(spec: OptimizerSpec<O>): (options?: OptionsOf<O>) => Optimizer {
  const opName = spec.op ?? `${spec.name}Update`;
  const op: Op<{ readonly options: O }> = defineOp({
    name: opName,
    inputs: [{ name: "operands", variadic: true, differentiable: false }],
    infer: (types) => types.filter((_, i) => i !== 1 && i !== types.length - 1).map((type) => ({ ...type!, domain: "real" })),
    decompose(operands, { options }) {
      const [p, gradient, ...rest] = operands as Tensor[];
      const scalars = rest.pop()!;
      const g = options.maximize ? neg(gradient!) : gradient!;
      return [...spec.step({ p: p!, g, slots: rest, s: (i) => scalarAt(scalars, i) }, options)];
    },
  });
  return (given = {}) => {
    checkOptions(spec.name, given, Object.keys(spec.defaults));
    const options = { ...spec.defaults, ...given } as O;
    checkCommon(spec.name, options);
    spec.check?.(options);
    // Rates are fed: what stays in the op's attributes is static and plain.
    const attributes = { options: { ...options, learningRate: 0, weightDecay: hasDecay(options.weightDecay) ? 1 : 0 } };
    const scalars = (time: Time): readonly number[] =>
      spec.scalars(options, {
        step: ageOf(time),
        learningRate: rateAt(options.learningRate, time),
        weightDecay: rateAt(options.weightDecay, time),
      });
    const rows = spec.rows?.(options);
    return {
      ...habits,
      name: spec.name,
      options: options as unknown as Readonly<Record<string, unknown>>,
      slots: (shape) => shapedSlots(spec.slots(options, shape), shape),
      ...(rows === undefined ? {} : { rows }),
      ...(spec.average === undefined ? {} : { average: spec.average }),
      scalarCount: scalars({ step: 0, epoch: 0 }).length,
      scalars,
      rates: [options.learningRate, options.weightDecay],
      update({ parameters, slots }, gradients, vector) {
        const next = parameters.map((p, i) => apply(op, [p, gradients[i]!, ...slots[i]!, vector], attributes));
        return { parameters: next.map((outputs) => outputs[0]!), slots: next.map((outputs) => outputs.slice(1)) };
      },
    };
  };
}

/** @internal Slots that are a start alone have the parameter's shape. */
export const shapedSlots = (
  slots: Readonly<Record<string, SlotStart | Slot>>,
  shape: readonly number[],
): Readonly<Record<string, Slot>> =>
  Object.fromEntries(
    Object.entries(slots).map(([name, slot]) => [name, typeof slot === "object" ? slot : { start: slot, shape }]),
  );

export const hasDecay = (weightDecay: Rate): boolean => weightDecay !== 0;

function checkCommon(name: string, { learningRate, weightDecay }: CommonOptions): void {
  for (const [key, rate] of Object.entries({ learningRate, weightDecay })) {
    if (typeof rate === "number" ? Number.isFinite(rate) && rate >= 0 : typeof rate === "object" && rate !== null && "at" in rate)
      continue;
    throw new ErmineError("ERMINE_OPTION", `${name}: ${key} is a number ≥ 0 or a schedule, got ${String(rate)}.`);
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
