/**
 * Definition of an optimizer: its options with their defaults, and the chain of gradient transformations that it is. Each definition is one op
 * (`adamUpdate`), for which a backend may have one kernel; otherwise it runs as the ops of its chain.
 */
import { ErmineError, neg, type Tensor } from "@ermine/core";
import {
  type Op,
  apply,
  checkArguments,
  checkDefinition,
  checkOptions,
  defineOp,
  kindsOf,
  markCopy,
  show,
} from "@ermine/core/define";
import { bindKernels } from "@ermine/core/backend";
import { ageOf, isSchedule, rateAt, type Rate, type Time } from "../schedules/schedule.js";
import {
  allKeepFinite,
  areElementwise,
  linkedScalars,
  perParameter,
  slotsOf,
  takeSteps,
  type GradientTransformation,
  type SlotPlan,
} from "./chain.js";
import { shapedSlots, type Optimizer, type Slot } from "./optimizer.js";
import { addDecayedWeights } from "./transforms/weights.js";
import { scalarTensors, type Scalars, type ScalarTensors } from "./scalars.js";

/** Options that each optimizer has. */
export interface CommonOptions {
  /** The size of a step: a number, or a schedule. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule. Where it enters is the optimizer's. */
  readonly weightDecay: Rate;
  /** Climb instead of descend. Default false. */
  readonly maximize: boolean;
}

/** Fields that every definition of an optimizer has. */
interface SpecOf<O extends CommonOptions> {
  /** As golden values and configurations name it: "adamw". */
  readonly name: string;
  /** Every option with its default: PyTorch's. */
  readonly defaults: O;
  /** The option that is the momentum, which a schedule may move; `check` sees its first value. */
  readonly momentum?: keyof O & ("momentum" | "beta1");
  /** Throws an ErmineError where an option's value is not allowed. */
  check?(options: O): void;
  /** The slot that holds an average of the parameter's values. Default: none does. */
  readonly average?: string;
  /** With these options: see Optimizer. */
  rows?(options: O): "same" | "only" | undefined;
  /** The name of the op; default `<name>Update`. Optimizers that differ in static options share one. */
  readonly op?: string;
}

/** An optimizer as a chain. */
export interface ChainSpec<O extends CommonOptions> extends SpecOf<O> {
  /**
   * The links with these options, each of which looks at one parameter at a time; `maximize` turns the gradient's sign before them. What they do may
   * depend on an option being there (whether there is a decay, a momentum), on flags and on names; numbers that change a step are their scalars.
   */
  links(options: O): readonly GradientTransformation[];
}

/** An optimizer as one step from a parameter to its next value. */
export interface StepSpec<O extends CommonOptions, S extends Scalars = Scalars> extends SpecOf<O> {
  /** The slots of a parameter of that shape; a start alone has the parameter's shape. */
  slots(options: O, shape: readonly number[]): SlotPlan;
  /**
   * With these options: are new parameters and slots finite wherever gradients, parameters and slots are, and small enough to be squared? Default: no, and the
   * trainer looks at every value before it writes one.
   */
  keepsFinite?(options: O): boolean;
  /** With these options: does the step treat each element by itself? See `Optimizer`. Default: no. */
  elementwise?(options: O): boolean;
  /** Scalars of the parameters' step-th update (0 the first), by name; learning rate, decay and momentum (0 where there is none) are their values now. */
  scalars(options: O, now: { step: number; learningRate: number; weightDecay: number; momentum: number }): S;
  /** The step, in ops; `s` are the scalars, the gradient has its sign for `maximize` already. */
  step(
    inputs: { readonly p: Tensor; readonly g: Tensor; readonly slots: readonly Tensor[]; readonly s: ScalarTensors<S> },
    options: O,
  ): readonly [parameter: Tensor, ...slots: Tensor[]];
}

/** The definition of an optimizer. */
export type OptimizerSpec<O extends CommonOptions, S extends Scalars = Scalars> = ChainSpec<O> | StepSpec<O, S>;

const stepParts = ["slots", "scalars", "step"] as const;
const parts = {
  name: "string",
  defaults: "object",
  momentum: "string",
  check: "function",
  average: "string",
  rows: "function",
  op: "string",
  links: "function",
  slots: "function",
  scalars: "function",
  step: "function",
} as const;
type AllParts = { readonly [K in keyof typeof parts]?: unknown };

/** The attributes of an optimizer's op: what a backend with a kernel for it looks at. */
export interface UpdateAttributes<O extends CommonOptions = CommonOptions> {
  readonly [name: string]: unknown;
  /** Static and plain: the learning rate is 0, a decay 1 where there is one, a scheduled momentum 1. Their values are among the scalars. */
  readonly options: O;
  /** The links and their forms: "scaleByAdam addDecayedWeights scaleByLearningRate". Equal ones of ermine's own are the same ops. */
  readonly form: string;
  /** The names of the scalars, in the order of the op's last input. */
  readonly scalars: readonly string[];
}

/** Any of the options; a default of `false` stands for either. */
export type OptionsOf<O> = { readonly [K in keyof O]?: O[K] extends boolean ? boolean : O[K] };

const absentMethod = (name: string, instead: string) => (): never => {
  throw new ErmineError("ERMINE_USAGE", `An optimizer has no ${name}(): it keeps no parameters. ${instead}`);
};

/** Methods of optimizers of PyTorch and TensorFlow.js: errors that say where ermine has them. */
const absentMethods: object = {
  step: absentMethod("step", "A Trainer applies it; in a loop of your own update() gives the new values, which you assign."),
  zeroGrad: absentMethod("zeroGrad", "valueAndGrad returns fresh gradients, nothing accumulates."),
  minimize: absentMethod("minimize", "A Trainer does that: new Trainer({ model, loss, optimizer, backend }).fit(data)."),
};

/**
 * Makes an optimizer's function of its definition: a chain (`links`), or one step in ops (`step`).
 *
 * @example
 * const signed = defineOptimizer({
 *   name: "signed",
 *   defaults: { learningRate: 0.01, weightDecay: 0, maximize: false },
 *   links: ({ learningRate, weightDecay }) => [scaleBySign(), addDecayedWeights(weightDecay), scaleByLearningRate(learningRate)],
 * });
 * signed({ learningRate: 0.5 }).name; // => signed
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineOptimizer<O extends CommonOptions, S extends Scalars = Scalars>(
  spec: OptimizerSpec<O, S>,
): (options?: OptionsOf<O>) => Optimizer {
  if (arguments.length > 1) checkArguments("defineOptimizer", arguments, 1);
  const isStep = typeof spec === "object" && spec !== null && "step" in spec;
  checkDefinition<AllParts>("defineOptimizer", spec, parts, ["name", "defaults", ...(isStep ? stepParts : (["links"] as const))]);
  const { learningRate, weightDecay, maximize } = spec.defaults;
  for (const [name, value] of Object.entries({ learningRate, weightDecay, maximize })) {
    if (value !== undefined) continue;
    throw new ErmineError(
      "ERMINE_OPTION",
      `defineOptimizer: the defaults of ${spec.name} need ${name}: learningRate, weightDecay and maximize.`,
    );
  }
  return optimizerOf(spec, (op) => op);
}

/** @internal An optimizer of the trainer's own: the kernels of its op's name are its. */
/* @__NO_SIDE_EFFECTS__ */
export function builtinOptimizer<O extends CommonOptions>(spec: ChainSpec<O>): (options?: OptionsOf<O>) => Optimizer {
  return optimizerOf(spec, bindKernels);
}

const negate = perParameter({ name: "negate", keepsFinite: true, elementwise: true, update: (u) => [neg(u)] });

/** Behaviour of an optimizer with given options, whichever way it is defined. */
interface Behaviour {
  readonly form: string;
  readonly scalarNames: readonly string[];
  scalars(time: Time): readonly number[];
  slots(shape: readonly number[]): Readonly<Record<string, Slot>>;
  readonly rates: readonly Rate[];
  readonly keepsFinite: boolean;
  readonly elementwise: boolean;
  /** New values of the parameter and of its slots. */
  step(p: Tensor, g: Tensor, slots: readonly Tensor[], vector: Tensor): readonly Tensor[];
}

function chainBehaviour<O extends CommonOptions>(spec: ChainSpec<O>, options: O): Behaviour {
  const links = options.maximize ? [negate, ...spec.links(options)] : spec.links(options);
  const { names, at } = linkedScalars(links);
  return {
    form: links.map(({ name, form = "" }) => name + form).join(" "),
    scalarNames: names.flat(),
    scalars: at,
    slots: (shape) => joinedSlots(links.map((link) => slotsOf(link, shape))),
    rates: links.flatMap(({ rates = [] }) => rates),
    keepsFinite: allKeepFinite(links),
    elementwise: areElementwise(links),
    step(p, g, slots, vector) {
      const next = takeSteps(links, names, { parameters: [p], slots: [slots] }, [g], vector);
      return [next.parameters[0]!, ...next.slots[0]!];
    },
  };
}

/**
 * The slots of all links, in their order, under the links' names for them; a name that an earlier link has, or that an object would put first (a whole
 * number), is preceded by the link's place in the chain.
 */
function joinedSlots(slotsOfLinks: readonly Readonly<Record<string, Slot>>[]): Readonly<Record<string, Slot>> {
  const slotsByName: Record<string, Slot> = {};
  slotsOfLinks.forEach((slots, i) => {
    for (const [name, slot] of Object.entries(slots)) {
      const isFree = !Object.hasOwn(slotsByName, name) && !Number.isInteger(Number(name));
      slotsByName[isFree ? name : `${i}.${name}`] = slot;
    }
  });
  return slotsByName;
}

function stepBehaviour<O extends CommonOptions, S extends Scalars>(spec: StepSpec<O, S>, options: O, momentum: Rate): Behaviour {
  const { learningRate, weightDecay } = options;
  const at = (time: Time): S =>
    spec.scalars(options, {
      step: ageOf(time),
      learningRate: rateAt(learningRate, time),
      weightDecay: rateAt(weightDecay, time),
      momentum: rateAt(momentum, time),
    });
  const scalarNames = Object.keys(at({ step: 0, epoch: 0 }));
  return {
    form: options.maximize ? "negate step" : "step",
    scalarNames,
    scalars(time) {
      const values = at(time);
      return scalarNames.map((name) => values[name]!);
    },
    slots: (shape) => shapedSlots(spec.slots(options, shape), shape),
    rates: [learningRate, weightDecay, momentum],
    keepsFinite: spec.keepsFinite?.(options) ?? false,
    elementwise: spec.elementwise?.(options) ?? false,
    step(p, gradient, slots, vector) {
      const g = options.maximize ? neg(gradient) : gradient;
      return spec.step({ p, g, slots, s: scalarTensors(vector, scalarNames) as ScalarTensors<S> }, options);
    },
  };
}

/** @param marked takes the optimizer's op when it is made */
/* @__NO_SIDE_EFFECTS__ */
function optimizerOf<O extends CommonOptions, S extends Scalars>(
  spec: OptimizerSpec<O, S>,
  marked: <T extends Op<UpdateAttributes<O>>>(op: T) => T,
): (options?: OptionsOf<O>) => Optimizer {
  const momentumOf = (options: O): Rate => (spec.momentum === undefined ? 0 : (options[spec.momentum] as Rate));
  const behaviourOf = (options: O): Behaviour =>
    "links" in spec ? chainBehaviour(spec, options) : stepBehaviour(spec, options, momentumOf(options));
  const op = marked(
    defineOp<UpdateAttributes<O>>({
      name: spec.op ?? `${spec.name}Update`,
      inputs: [
        { name: "parameter", dtype: "float32", differentiable: false },
        { name: "gradient", dtype: "value", differentiable: false },
        { name: "slots and scalars", dtype: "float32", variadic: true, differentiable: false },
      ],
      infer: (types) => types.filter((_, i) => i !== 1 && i !== types.length - 1).map((type) => ({ ...type!, domain: "real" })),
      // The parameter and its slots; the gradient, which is the second input, has none.
      successorOf: (output) => (output === 0 ? 0 : output + 1),
      decompose(operands, { options }) {
        const [p, g, ...slots] = operands as Tensor[];
        const vector = slots.pop()!;
        return [...behaviourOf(options).step(p!, g!, slots, vector)];
      },
    }),
  );
  // A rate is a number or a schedule.
  const rates = {
    learningRate: rateKinds,
    weightDecay: rateKinds,
    ...(spec.momentum === undefined ? {} : { [spec.momentum]: rateKinds }),
  };
  const optionKindsByName = { ...kindsOf(spec.defaults), ...rates };
  return (userOptions = {}, ...extraArguments: readonly never[]) => {
    if (extraArguments.length > 0) checkArguments(spec.name, [userOptions, ...extraArguments], 1);
    checkOptions<object>(spec.name, userOptions, optionKindsByName);
    const options = { ...spec.defaults, ...userOptions } as O;
    checkRates(spec.name, options, Object.keys(rates));
    const rate = momentumOf(options);
    const withMomentum = (momentum: number): O =>
      isSchedule(rate) ? { ...options, [spec.momentum as keyof O]: momentum } : options;
    spec.check?.(withMomentum(rateAt(rate, { step: 0, epoch: 0 })));
    const { form, scalarNames, scalars, slots: slotsFor, rates: followedRates, keepsFinite, elementwise } = behaviourOf(options);
    // Rates are fed: what stays in the op's attributes is static and plain. A scheduled momentum is not 0, so that it has its slot.
    const staticOptions = { ...withMomentum(1), learningRate: 0, weightDecay: hasDecay(options.weightDecay) ? 1 : 0 };
    const attributes: UpdateAttributes<O> = { options: staticOptions, form, scalars: scalarNames };
    const rows = spec.rows?.(staticOptions);
    return markCopy<Optimizer>("optimizer", {
      ...absentMethods,
      name: spec.name,
      options: options as unknown as Readonly<Record<string, unknown>>,
      slots: slotsFor,
      keepsFinite,
      elementwise,
      ...(rows === undefined ? {} : { rows }),
      ...(spec.average === undefined ? {} : { average: spec.average }),
      scalarCount: scalarNames.length,
      scalars,
      rates: followedRates,
      update({ parameters, slots }, gradients, vector) {
        const next = parameters.map((p, i) => apply(op, [p, gradients[i]!, ...slots[i]!, vector], attributes));
        return { parameters: next.map((outputs) => outputs[0]!), slots: next.map((outputs) => outputs.slice(1)) };
      },
    });
  };
}

const rateKinds = ["number", "object"] as const;

/** @internal The decay's link, where there is one: before an adaptive scaling it is L2, after it decoupled. */
export const decayLinks = (weightDecay: Rate): readonly GradientTransformation[] =>
  hasDecay(weightDecay) ? [addDecayedWeights(weightDecay)] : [];

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
    throw new ErmineError("ERMINE_OPTION", `${name}: ${key} must be in [${minimum}, ${maximum}), got ${show(value)}.`);
  }
}
