/** The hyperbolic tangent as an activation. */
import { tanh as hyperbolicTangent, tanhOp } from "../ops/unary.js";
import { builtinActivation, type ActivationProse } from "./definition.js";

/** f(x) = tanh x: the op itself, named as an activation. */
export const tanhActivation = builtinActivation({ name: "tanh", op: tanhOp, decompose: (x) => hyperbolicTangent(x) });

export const tanhProse: ActivationProse = {
  formula: "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)",
  derivative: "1 − tanh²x",
  range: "(−1, 1)",
  saturates: "both sides",
  role: "Recurrent layers; outputs between −1 and 1.",
};
