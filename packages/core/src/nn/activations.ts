/** Every activation as a module, under PyTorch's name. */
import * as functions from "../activations/index.js";
import type { Activation } from "../activations/definition.js";
import { prelu } from "../activations/prelu.js";
import type { Domain } from "../types/dtype.js";
import { tensor } from "../ops/creation.js";
import type { Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { checkSize } from "./size.js";
import { checkCopy } from "../types/copy.js";
import { checkArguments, checkOptions } from "../types/options.js";
import { Module } from "./module.js";

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
  name: string = activation.activationName,
): new (options?: Partial<O>) => ActivationModule<D> {
  checkCopy("activationModule", activation);
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

export const Identity = activationModule(functions.identity, "Identity");
export const ReLU = activationModule(functions.relu, "ReLU");
export const ReLU6 = activationModule(functions.relu6, "ReLU6");
export const LeakyReLU = activationModule(functions.leakyRelu, "LeakyReLU");
export const Threshold = activationModule(functions.threshold, "Threshold");
/** rrelu: random slopes in training, their mean in evaluation. */
export const RReLU = activationModule(functions.rrelu, "RReLU");
export const ELU = activationModule(functions.elu, "ELU");
export const CELU = activationModule(functions.celu, "CELU");
export const SELU = activationModule(functions.selu, "SELU");
export const GELU = activationModule(functions.gelu, "GELU");
export const SiLU = activationModule(functions.silu, "SiLU");
export const Mish = activationModule(functions.mish, "Mish");
export const Softplus = activationModule(functions.softplus, "Softplus");
export const Softsign = activationModule(functions.softsign, "Softsign");
export const Sigmoid = activationModule(functions.sigmoid, "Sigmoid");
export const LogSigmoid = activationModule(functions.logSigmoid, "LogSigmoid");
export const Hardsigmoid = activationModule(functions.hardSigmoid, "Hardsigmoid");
export const Hardswish = activationModule(functions.hardSwish, "Hardswish");
export const Tanh = activationModule(functions.tanhActivation, "Tanh");
export const Hardtanh = activationModule(functions.hardTanh, "Hardtanh");
export const Tanhshrink = activationModule(functions.tanhshrink, "Tanhshrink");
export const Softshrink = activationModule(functions.softshrink, "Softshrink");
export const Hardshrink = activationModule(functions.hardshrink, "Hardshrink");
export const GLU = activationModule(functions.glu, "GLU");
export const Softmax = activationModule(functions.softmax, "Softmax");
export const LogSoftmax = activationModule(functions.logSoftmax, "LogSoftmax");
export const Softmin = activationModule(functions.softmin, "Softmin");

/** prelu with its weight as a parameter: `numParameters` 1 or the number of channels, all `init` (0.25). */
export class PReLU extends Module {
  readonly weight: Parameter;

  constructor(options: { numParameters?: number; init?: number } = {}) {
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
