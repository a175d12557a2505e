/** Every activation as a module, under PyTorch's name. */
import { ErmineError } from "../types/errors.js";
import * as functions from "../activations/index.js";
import type { Activation } from "../activations/definition.js";
import { prelu } from "../activations/prelu.js";
import type { Domain } from "../types/dtype.js";
import { tensor } from "../ops/creation.js";
import type { Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { checkSize } from "./size.js";
import { checkCopy } from "../types/copy.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { Module } from "./module.js";

/** A module that applies an activation. */
export interface ActivationModule<D extends Domain> extends Module {
  forward(x: Tensor): Tensor<D>;
}

/**
 * The module class of an activation, built in or your own; its constructor throws for options that the activation does not have.
 *
 * @example const Mish = activationModule(mish); new Sequential(new Linear(4, 4), new Mish());
 */
/* @__NO_SIDE_EFFECTS__ */
export function activationModule<O extends Readonly<Record<string, unknown>>, D extends Domain>(
  activation: Activation<O, D>,
  name: string = activation?.activationName,
): new (options?: Partial<O>) => ActivationModule<D> {
  if (arguments.length > 2) checkArguments("activationModule", arguments, 2);
  checkCopy("activationModule", activation);
  if (typeof activation !== "function" || !("activationName" in activation))
    throw new ErmineError(
      "ERMINE_USAGE",
      `activationModule takes an activation, got ${show(activation)}. defineActivation makes one.`,
    );
  checkArgument("activationModule(activation, name)", "name", name, "string");
  return class extends Module {
    readonly options: Partial<O> | undefined;

    constructor(options?: Partial<O>) {
      checkArguments(name, arguments, 1);
      super();
      activation.check(options);
      this.options = options;
    }

    forward(x: Tensor): Tensor<D> {
      if (activation.training !== true) return activation(x, this.options);
      return activation(x, { ...this.options, training: this.training } as object as Partial<O>);
    }

    override describe(): string {
      const options = Object.entries(this.options ?? {}).map(([key, value]) => `${key} ${String(value)}`);
      return [name, ...options].join(" ");
    }
  };
}

/**
 * The activation `identity` as a module: x. The output of a regression; logits for a loss that takes logits.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Identity().forward(tensor([-1, 0.5, 2])); // => [-1, 0.5, 2]
 */
export const Identity = activationModule(functions.identity, "Identity");

/**
 * The activation `relu` as a module: max(x, 0). Hidden layers; the default. A unit that is negative for every sample never learns again (a dead unit).
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new ReLU().forward(tensor([-1, 0.5, 2])); // => [0, 0.5, 2]
 */
export const ReLU = activationModule(functions.relu, "ReLU");

/**
 * The activation `relu6` as a module: min(max(x, 0), 6). Mobile networks that are quantized later.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new ReLU6().forward(tensor([-1, 0.5, 2])); // => [0, 0.5, 2]
 */
export const ReLU6 = activationModule(functions.relu6, "ReLU6");

/**
 * The activation `leakyRelu` as a module: x for x > 0, else negativeSlope · x. Hidden layers where relu units die.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new LeakyReLU({ negativeSlope: 0.1 }).forward(tensor([-1, 0.5, 2])); // => [-0.1, 0.5, 2]
 */
export const LeakyReLU = activationModule(functions.leakyRelu, "LeakyReLU");

/**
 * The activation `threshold` as a module: x for x > threshold, else value. The general rectifier.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Threshold({ threshold: 1, value: -3 }).forward(tensor([-1, 0.5, 2])); // => [-3, -3, 2]
 */
export const Threshold = activationModule(functions.threshold, "Threshold");

/**
 * The activation `rrelu` as a module: x for x > 0, else a · x, a = (lower + upper) / 2 (in training a ~ U(lower, upper)). Slopes are random in training; in evaluation they are their mean. Hidden layers of small-data classifiers: the random slope regularizes.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new RReLU().eval().forward(tensor([-24, 0.5, 2])); // => [-5.5, 0.5, 2]
 */
export const RReLU = activationModule(functions.rrelu, "RReLU");

/**
 * The activation `elu` as a module: x for x > 0, else α(eˣ − 1). Hidden layers; outputs centred nearer to 0 than relu's.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new ELU({ alpha: 2 }).forward(tensor([-1, 0.5, 2])); // => [-1.2642, 0.5, 2]
 */
export const ELU = activationModule(functions.elu, "ELU");

/**
 * The activation `celu` as a module: max(x, 0) + min(0, α(e^(x/α) − 1)). As elu, smooth at 0 for every α.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new CELU({ alpha: 2 }).forward(tensor([-1, 0.5, 2])); // => [-0.7869, 0.5, 2]
 */
export const CELU = activationModule(functions.celu, "CELU");

/**
 * The activation `selu` as a module: λx for x > 0, else λα(eˣ − 1). Deep fully connected networks without normalization; with lecun-normal weights and alpha dropout.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new SELU().forward(tensor([-1, 0.5, 2])); // => [-1.1113, 0.5254, 2.1014]
 */
export const SELU = activationModule(functions.selu, "SELU");

/**
 * The activation `gelu` as a module: x · Φ(x). Hidden layers of transformers.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new GELU({ approximate: "tanh" }).forward(tensor([-1, 0.5, 2])); // => [-0.1588, 0.3457, 1.9546]
 */
export const GELU = activationModule(functions.gelu, "GELU");

/**
 * The activation `silu` as a module: x · σ(x). Hidden layers of modern convolutional and language models.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new SiLU().forward(tensor([-1, 0.5, 2])); // => [-0.2689, 0.3112, 1.7616]
 */
export const SiLU = activationModule(functions.silu, "SiLU");

/**
 * The activation `mish` as a module: x · tanh(softplus(x)). Hidden layers of detectors.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Mish().forward(tensor([-1, 0.5, 2])); // => [-0.3034, 0.3752, 1.944]
 */
export const Mish = activationModule(functions.mish, "Mish");

/**
 * The activation `softplus` as a module: log(1 + e^(βx)) / β. Outputs that must be positive: variances, rates.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Softplus({ beta: 2 }).forward(tensor([-1, 0.5, 2])); // => [0.0635, 0.6566, 2.0091]
 */
export const Softplus = activationModule(functions.softplus, "Softplus");

/**
 * The activation `softsign` as a module: x / (1 + |x|). As tanh, with longer tails.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Softsign().forward(tensor([-1, 0.5, 2])); // => [-0.5, 0.3333, 0.6667]
 */
export const Softsign = activationModule(functions.softsign, "Softsign");

/**
 * The activation `sigmoid` as a module: 1 / (1 + e⁻ˣ). Gates; reading a binary or multi-label model. Train on logits with bceWithLogits, not on its output.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Sigmoid().forward(tensor([-1, 0.5, 2])); // => [0.2689, 0.6225, 0.8808]
 */
export const Sigmoid = activationModule(functions.sigmoid, "Sigmoid");

/**
 * The activation `logSigmoid` as a module: log(1 / (1 + e⁻ˣ)). Inside losses on pairs and contrasts.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new LogSigmoid().forward(tensor([-1, 0.5, 2])); // => [-1.3133, -0.4741, -0.1269]
 */
export const LogSigmoid = activationModule(functions.logSigmoid, "LogSigmoid");

/**
 * The activation `hardSigmoid` as a module: min(max(x/6 + ½, 0), 1). Gates on small devices.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Hardsigmoid().forward(tensor([-1, 0.5, 2])); // => [0.3333, 0.5833, 0.8333]
 */
export const Hardsigmoid = activationModule(functions.hardSigmoid, "Hardsigmoid");

/**
 * The activation `hardSwish` as a module: x · hardSigmoid(x). Mobile networks.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Hardswish().forward(tensor([-1, 0.5, 2])); // => [-0.3333, 0.2917, 1.6667]
 */
export const Hardswish = activationModule(functions.hardSwish, "Hardswish");

/**
 * The activation `tanh` as a module: (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ). Recurrent layers; outputs between −1 and 1.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Tanh().forward(tensor([-1, 0.5, 2])); // => [-0.7616, 0.4621, 0.964]
 */
export const Tanh = activationModule(functions.tanhActivation, "Tanh");

/**
 * The activation `hardTanh` as a module: min(max(x, minValue), maxValue). Cheap bounded hidden layers.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Hardtanh({ minValue: 0, maxValue: 1 }).forward(tensor([-1, 0.5, 2])); // => [0, 0.5, 1]
 */
export const Hardtanh = activationModule(functions.hardTanh, "Hardtanh");

/**
 * The activation `tanhshrink` as a module: x − tanh x. Sparse coding.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Tanhshrink().forward(tensor([-1, 0.5, 2])); // => [-0.2384, 0.0379, 1.036]
 */
export const Tanhshrink = activationModule(functions.tanhshrink, "Tanhshrink");

/**
 * The activation `softshrink` as a module: sign(x) · max(|x| − λ, 0). Sparse coding; the proximal step of l1.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Softshrink({ lambda: 0.1 }).forward(tensor([-1, 0.5, 2])); // => [-0.9, 0.4, 1.9]
 */
export const Softshrink = activationModule(functions.softshrink, "Softshrink");

/**
 * The activation `hardshrink` as a module: x for |x| > λ, else 0. Sparse coding; the proximal step of l0.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Hardshrink({ lambda: 0.1 }).forward(tensor([-1, 0.5, 2])); // => [-1, 0.5, 2]
 */
export const Hardshrink = activationModule(functions.hardshrink, "Hardshrink");

/**
 * The activation `glu` as a module: a · σ(b). Gated feed-forward layers of transformers.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new GLU().forward(tensor([1, 2, 0, 100])); // => [0.5, 2]
 */
export const GLU = activationModule(functions.glu, "GLU");

/**
 * The activation `softmax` as a module: eˣⁱ / Σ eˣʲ. Reading a classifier; attention. Train on logits with crossEntropy, not on its output.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Softmax().forward(tensor([-1, 0.5, 2])); // => [0.0391, 0.1753, 0.7856]
 */
export const Softmax = activationModule(functions.softmax, "Softmax");

/**
 * The activation `logSoftmax` as a module: xᵢ − log Σ eˣʲ. In front of nll or klDiv; crossEntropy has it inside.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new LogSoftmax().forward(tensor([-1, 0.5, 2])); // => [-3.2413, -1.7413, -0.2413]
 */
export const LogSoftmax = activationModule(functions.logSoftmax, "LogSoftmax");

/**
 * The activation `softmin` as a module: e⁻ˣⁱ / Σ e⁻ˣʲ. Attention over distances.
 *
 * @param options those of the activation
 * @throws ErmineError ERMINE_OPTION for options that the activation does not have, or not with these values
 * @example
 * new Softmin().forward(tensor([-1, 0.5, 2])); // => [0.7856, 0.1753, 0.0391]
 */
export const Softmin = activationModule(functions.softmin, "Softmin");

/**
 * prelu with its weight as a parameter: `numParameters` 1 or the number of channels, all `init` (0.25).
 *
 * @example
 * new PReLU().forward(tensor([-2, 3])); // => [-0.5, 3]
 */
export class PReLU extends Module {
  /** The slope below 0: one value, or one for each channel. */
  readonly weight: Parameter;

  constructor(
    options: {
      /** 1, or the number of channels. Default 1. */
      numParameters?: number;
      /** The initial slope. Default 0.25. */
      init?: number;
    } = {},
  ) {
    checkArguments("PReLU", arguments, 1);
    super();
    checkOptions("PReLU", options, { numParameters: "integer", init: "number" });
    const { numParameters = 1, init = 0.25 } = options;
    checkSize("PReLU", "numParameters", numParameters);
    this.weight = new Parameter(tensor(new Float32Array(numParameters).fill(init)));
  }

  forward(x: Tensor): Tensor<"real"> {
    return prelu(x, this.weight.value);
  }
}
