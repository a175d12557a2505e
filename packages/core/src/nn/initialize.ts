/** Other starting values than a layer's own. */
import { checkArgument, checkArguments } from "../types/arguments.js";
import { initialize, initializerOf, type Initializer, type InitializerName } from "../random/initializers.js";
import type { Parameter } from "../dispatch/variable.js";
import { checkModule, type Module } from "./module.js";

/**
 * Draws a module's parameters anew: those of at least two axes, or those that `which` chooses. One initializer, or its name with its defaults.
 *
 * @example initializeParameters(model, "orthogonal");
 * @example initializeParameters(model, kaimingNormal({ nonlinearity: "relu" }), (name) => name.startsWith("conv"));
 */
export function initializeParameters<M extends Module>(
  module: M,
  initializer: InitializerName | Initializer,
  which: (name: string, parameter: Parameter) => boolean = (_, { shape }) => shape.length >= 2,
): M {
  if (arguments.length > 3) checkArguments("initializeParameters", arguments, 3);
  checkModule("initializeParameters: its first argument", module);
  const signature = "initializeParameters(module, initializer, which)";
  checkArgument(signature, "initializer", initializer, ["string", "function"]);
  checkArgument(signature, "which", which, "function");
  const draw = typeof initializer === "function" ? initializer : initializerOf(initializer);
  const chosen = module.namedParameters().filter(([name, parameter]) => which(name, parameter));
  // All are drawn before one is written: a shape that does not fit changes nothing.
  const drawn = chosen.map(([name, { shape }]) => initialize(draw, shape, name));
  chosen.forEach(([, parameter], i) => (parameter.value = drawn[i]!));
  return module;
}
