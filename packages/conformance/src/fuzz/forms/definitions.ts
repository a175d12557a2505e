/** Activations and losses, read from the catalog: a new one is drawn as soon as it is exported. Also optimizers' steps. */
import { type Loss, Tensor } from "@ermine/core";
import type { Draw } from "@ermine/core/define";
import { activations, losses } from "@ermine/core/catalog";
import { optimizers } from "@ermine/trainer/catalog";
import type { Optimizer } from "@ermine/trainer";
import { Refused, type Builder } from "../builder.js";
import type { Kind } from "../elements.js";
import type { Arg, Ref } from "../program.js";
import { form, type Form } from "./form.js";

type Options = Readonly<Record<string, Arg>>;

/** Some of the options, each at the value that its definition says has an effect. */
const some = (b: Builder, optionExamples: object): Options =>
  Object.fromEntries(Object.entries(optionExamples as Options).filter(() => b.random.chance(0.25)));

const ofActivations = activations.map(({ name, activation }) =>
  form(
    name,
    (b) => {
      if (!("op" in activation)) {
        const x = b.float({ ranks: [1, 4] });
        const shape = b.shapeOf(x);
        return b.call(name, x, b.float({ shape: [b.random.chance(0.3) ? 1 : shape.length === 1 ? 1 : shape[1]!] }));
      }
      const x = b.float("axis" in activation.defaults ? { ranks: [1, 3] } : {});
      const axis = "axis" in activation.defaults && b.random.chance(0.5) ? { axis: b.axis(b.shapeOf(x)) } : {};
      return b.call(name, x, { ...some(b, activation.optionExamples), ...axis });
    },
    name.includes("oftmax") ? 1.5 : 0.6,
  ),
);

/** The inputs and options of a loss's sample, as values of the program. */
function drawFor(b: Builder): Draw {
  const { random } = b;
  const of = (ref: Ref): Tensor<any> => b.tensorOf(ref);
  const leaf = (kind: Kind) => (shape: readonly number[]) => of(b.leaf(shape, "float32", kind));
  // 0, 1 and −1 can be of other dtypes as well.
  const whole = (kind: Kind) => (shape: readonly number[]) => {
    const dtype = random.pick([
      "float32",
      "float32",
      "float32",
      "int32",
      ...(kind === "labels" ? (["bool"] as const) : []),
    ] as const);
    return of(b.leaf(shape, dtype, kind === "labels" ? { below: 2 } : dtype === "int32" ? "positive" : kind));
  };
  return {
    real: (shape) => of(b.float({ shape })),
    positive: leaf("positive"),
    probabilities: (shape) =>
      of(
        random.chance(0.5)
          ? b.call("sigmoid", b.float({ shape }))
          : b.call("asProbabilities", b.leaf(shape, "float32", "probabilities")),
      ),
    logProbabilities: (shape) => of(b.call("logSoftmax", b.float({ shape }), { axis: -1 })),
    labels: whole("labels"),
    signs: (shape) => of(b.leaf(shape, "float32", "signs")),
    integers: (shape, from, to) => of(b.leaf(shape, "int32", { from, to })),
  };
}

/** Tensors as the values that they are; other options as they are. */
function asArg(b: Builder, value: unknown): Arg {
  if (!(value instanceof Tensor)) return value as Arg;
  const ref = b.refOf(value);
  if (ref === undefined) throw new Refused();
  return ref;
}

const ofLosses = losses.map(({ name, loss }) =>
  form(
    name,
    (b) => {
      const { samples, optionExamples } = loss as unknown as Loss<readonly Tensor[], Record<string, unknown>>;
      const sample = b.traced(() => b.random.pick(Object.values(samples))(b.size(), drawFor(b)));
      const inputs = sample.inputs.map((t) => asArg(b, t));
      const sampleOptions = Object.fromEntries(
        Object.entries(sample.options ?? {}).map(([key, value]) => [key, asArg(b, value)]),
      );
      const reduction = b.random.pick(["none", "none", "mean", "sum"]);
      return b.call(name, ...inputs, { ...sampleOptions, ...some(b, optionExamples), reduction });
    },
    name === "crossEntropy" || name.startsWith("bce") ? 1.5 : 0.6,
  ),
);

/** New values of a parameter and of what is kept with it. */
const optimize = form(
  "optimize",
  (b) => {
    const name = b.random.pick(Object.keys(optimizers));
    const p = b.float({ ranks: [name === "muon" ? 2 : 0, 2] });
    const shape = b.shapeOf(p);
    const options: Options = b.random.chance(0.3) && name !== "sparseAdam" ? { weightDecay: 0.125 } : {};
    let optimizer: Optimizer;
    try {
      optimizer = optimizers[name]!(options);
    } catch (error) {
      throw new Refused(error as Error);
    }
    const slots = Object.values(optimizer.slots(shape)).map((slot) => b.leaf(slot.shape, "float32", "positive"));
    const gradient = b.float({ shape });
    const args: readonly Arg[] = [name, options, p, gradient, slots, b.random.integer(0, 3)];
    b.take("optimize", "[0]", ...args);
    if (slots.length > 0 && b.random.chance(0.5)) b.take("optimize", "[1]", ...args);
  },
  1.5,
);

export const definitions: readonly Form[] = [...ofActivations, ...ofLosses, optimize];
