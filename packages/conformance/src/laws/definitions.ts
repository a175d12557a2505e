/** All there is: read from what core exports, so that a new definition is under every law as soon as it is exported. */
import * as core from "@ermine/core";
import * as backend from "@ermine/core/backend";
import type { Activation, Loss, Tensor } from "@ermine/core";
import { checkDefinition, type Op, type Sample } from "@ermine/core/define";
import { activations, losses } from "@ermine/core/catalog";
import type { Optimizer } from "@ermine/trainer";
import { optimizers } from "@ermine/trainer/catalog";
import type { Call } from "./call.js";
import { draw } from "./draw.js";
import type { KnownCall } from "./knownCall.js";
import { knownDtypes } from "./knownDtypes.js";
import { knownSpecialValues } from "./knownSpecial.js";
import { programs } from "./programs.js";

type Options = Readonly<Record<string, unknown>>;
type AnyLoss = Loss<readonly Tensor[], Options, string>;

/** The definitions that laws are tried on. */
export interface Definitions {
  /** The activations that are tried. */
  readonly activations: readonly Activation[];
  /** The losses that are tried. */
  readonly losses: readonly Loss[];
  /** Calls of ops. */
  readonly calls: readonly Call[];
  /** Calls whose results are known. */
  readonly known?: readonly KnownCall[];
  /** Optimizers by name. */
  readonly optimizers?: Readonly<Record<string, () => Optimizer>>;
}

/** @throws ErmineError ERMINE_OPTION where they are none */
export function checkDefinitions(where: string, definitions: Definitions): void {
  const kinds = { activations: "list", losses: "list", calls: "list", known: "list", optimizers: "object" } as const;
  checkDefinition(`${where}: definitions`, definitions, kinds, ["activations", "losses", "calls"]);
}

const isActivation = (value: unknown): value is Activation => typeof value === "function" && "op" in value;

/** Every op that core exports, the backward ones among them. */
export function exportedOps(): readonly Op[] {
  const ops = Object.values<unknown>({ ...core, ...backend }).flatMap((value): Op[] => {
    const op = isActivation(value) ? value.op : (value as Op | undefined);
    return typeof op === "object" && op !== null && "infer" in op ? [op] : [];
  });
  const backward = ops.flatMap((op) => backend.gradientOpFor(op) ?? []);
  return [...new Map([...ops, ...backward].map((op) => [op.name, op])).values()];
}

/** Everything of ermine's own. */
export function ownDefinitions(): Definitions {
  return {
    activations: activations.flatMap(({ activation }) => (isActivation(activation) ? [activation] : [])),
    losses: losses.map(({ loss }) => loss),
    calls: programs,
    known: [...knownDtypes, ...knownSpecialValues],
    optimizers,
  };
}

const withOptions = (name: string, options: Options): string => {
  const parts = Object.entries(options).map(([key, value]) => `${key} ${String(value)}`);
  return parts.length === 0 ? name : `${name} (${parts.join(", ")})`;
};

/** An activation with some options, on the shape that it takes: a line, or several where it has an axis. */
export function activationCall(activation: Activation, options: Options): Call {
  const { op, defaults, activationName } = activation;
  const fits = (shape: readonly number[]): boolean => {
    try {
      const axis = options["axis"] ?? defaults["axis"];
      const attributes = {
        ...defaults,
        ...options,
        ...(typeof axis === "number" ? { axis: axis < 0 ? axis + shape.length : axis } : {}),
      };
      op.infer([{ shape, dtype: "float32", domain: "real" }], attributes);
      return true;
    } catch (error) {
      if (error instanceof core.ErmineError) return false;
      throw error;
    }
  };
  const candidates = (size: number): readonly (readonly number[])[] =>
    "axis" in defaults
      ? [
          [4, size],
          [4, 2 * size],
        ]
      : [[size], [2, size], [2, 2 * size]];
  return {
    name: withOptions(activationName, options),
    inputs: (size, draw) => [draw.real(candidates(size).find(fits) ?? [size])],
    run: (x) => activation(x!, options),
    largest: Object.keys(options).length === 0 ? 65_537 : 1000,
    composed: op.decompose !== undefined,
    pointwise: !("axis" in defaults),
  };
}

/** An activation by itself, and with each option at its witness. */
export function activationCalls(activation: Activation): readonly Call[] {
  const witnessed = Object.entries(activation.optionExamples).map(([key, value]) => ({ [key]: value }));
  return [{}, ...witnessed].map((options) => activationCall(activation, options));
}

/** A loss on one of its samples: the value of each element, and the mean. Tensors among its options are inputs too. */
export function lossCall(loss: Loss, sample: string, options: Options = {}): Call {
  const { samples, lossName, nonGradientOptions } = loss as unknown as AnyLoss;
  const optionsOf = (sampled: Sample<readonly Tensor[], Options>): [string, unknown][] =>
    Object.entries({ ...sampled.options, ...options });
  const isTensor = ([, value]: [string, unknown]): boolean => value instanceof core.Tensor;
  const sampleOptions = optionsOf(samples[sample]!(1, draw(0)));
  const names = sampleOptions.filter(isTensor).map(([name]) => name);
  const plain = Object.fromEntries(sampleOptions.filter((option) => !isTensor(option)));
  return {
    name: withOptions(`${lossName}, ${sample}`, options),
    inputs(size, drawn) {
      const sampled = samples[sample]!(size, drawn);
      return [
        ...sampled.inputs,
        ...optionsOf(sampled)
          .filter(isTensor)
          .map(([, t]) => t as Tensor),
      ];
    },
    run(...args) {
      const inputs = args.slice(0, loss.inputs.length);
      const all = { ...plain, ...Object.fromEntries(names.map((name, i) => [name, args[loss.inputs.length + i]!])) };
      const call = loss as unknown as (...args: readonly unknown[]) => Tensor;
      return [call(...inputs, { ...all, reduction: "none" }), call(...inputs, all)];
    },
    largest: Object.keys(options).length === 0 ? 1000 : 64,
    composed: true,
    // Targets have a gradient in some losses only: PyTorch's.
    differentiable: Object.keys(options).some((option) => nonGradientOptions.includes(option))
      ? []
      : loss.inputs.flatMap(({ role }, i) => (role === "prediction" ? [i] : [])),
  };
}

/** A loss on each of its samples, and with each plain option at its witness. */
export function lossCalls(loss: Loss): readonly Call[] {
  const { samples, optionExamples } = loss as unknown as AnyLoss;
  return Object.keys(samples).flatMap((sample) => [
    lossCall(loss, sample),
    ...Object.entries(optionExamples).map(([key, value]) => lossCall(loss, sample, { [key]: value })),
  ]);
}

/** One step of each optimizer: of a parameter, its gradient, what is kept beside it, and the step's scalars. */
export const optimizerCalls = ({ optimizers: all = {} }: Definitions): readonly Call[] =>
  Object.entries(all).map(([name, make]) => {
    const optimizer = make();
    const shapes = (n: number) => Object.values(optimizer.slots([n, 2])).map(({ shape }) => shape);
    return {
      name: `a step of ${name}`,
      inputs: (n, draw) => [
        draw.real([n, 2]),
        draw.real([n, 2]),
        ...shapes(n).map((shape) => draw.positive(shape)),
        core.tensor(optimizer.scalars({ step: 1, epoch: 0 })),
      ],
      run(parameter, gradient, ...rest) {
        const scalars = rest.pop()!;
        const next = optimizer.update({ parameters: [parameter!], slots: [rest] }, [gradient!], scalars);
        return [...next.parameters, ...next.slots.flat()];
      },
      largest: 64,
      composed: true,
      differentiable: [],
    };
  });

/** Every call of the definitions. */
export const callsOf = (definitions: Definitions): readonly Call[] => [
  ...definitions.calls,
  ...definitions.activations.flatMap(activationCalls),
  ...definitions.losses.flatMap(lossCalls),
];
