/** Activations that ONNX has an operator for, with the same values. */
import * as core from "@ermine/core";
import type { Op } from "@ermine/core/define";
import { preluOp } from "@ermine/core/backend";
import type { AttributeValue } from "../attributes.js";
import type { Writer, Entry } from "./call.js";
import { same } from "./call.js";

type Options = Readonly<Record<string, unknown>>;

/** One node whose attributes come from the activation's options. */
const written =
  (opType: string, attributes: (options: Options) => Readonly<Record<string, AttributeValue>> = () => ({})): Writer =>
  ({ builder, inputs: [x], attributes: options }) => [builder.node(opType, [x!.name], attributes(options))];

const number = (options: Options, name: string): number => options[name] as number;
const axis = (options: Options) => ({ axis: BigInt(number(options, "axis")) });

export const activations = (): readonly Entry[] => [
  ...same([
    [core.identity.op, "Identity"],
    [core.relu.op, "Relu"],
    [core.sigmoid.op, "Sigmoid"],
    [core.softsign.op, "Softsign"],
    [core.hardSwish.op, "HardSwish"],
    [core.mish.op, "Mish"],
    [core.selu.op, "Selu"],
  ]),
  [core.softmax.op, written("Softmax", axis)],
  [core.logSoftmax.op, written("LogSoftmax", axis)],
  [core.leakyRelu.op, written("LeakyRelu", (options) => ({ alpha: number(options, "negativeSlope") }))],
  [core.elu.op, written("Elu", (options) => ({ alpha: number(options, "alpha") }))],
  [core.celu.op, written("Celu", (options) => ({ alpha: number(options, "alpha") }))],
  [core.hardSigmoid.op, written("HardSigmoid", () => ({ alpha: 1 / 6, beta: 0.5 }))],
  [
    core.gelu.op,
    (call) =>
      call.builder.opset < 20 ? undefined : written("Gelu", ({ approximate }) => ({ approximate: approximate as string }))(call),
  ],
  [
    core.softplus.op,
    (call) =>
      number(call.attributes, "beta") === 1 && number(call.attributes, "threshold") >= 20 ? written("Softplus")(call) : undefined,
  ],
  [
    preluOp as unknown as Op,
    ({ builder, inputs: [x, weight] }) => {
      const channels = weight!.shape[0] ?? 1;
      const along = x!.shape.length < 2 || channels === 1 ? [channels] : [channels, ...x!.shape.slice(2).map(() => 1)];
      const slope =
        along.length === weight!.shape.length ? weight!.name : builder.node("Reshape", [weight!.name, builder.shape(along)]);
      return [builder.node("PRelu", [x!.name, slope])];
    },
  ],
];
