/** The hyperbolic tangent as an activation. */
import { tanh as hyperbolicTangent } from "../ops/unary.js";
import { tanhOp } from "../ops/primitives.js";
import { builtinActivation } from "./definition.js";

/**
 * f(x) = tanh x: the op itself, named as an activation. Formula, range and role are those of `tanh`.
 *
 * @param x values of any shape, float32
 * @example
 * tanh(tensor([-1, 2])); // => [-0.7616, 0.964]
 */
export const tanhActivation = builtinActivation({ name: "tanh", op: tanhOp, decompose: (x) => hyperbolicTangent(x) });
