/** Outputs of inner layers, next to the model's own. */
import { show } from "../types/options.js";
import { checkArgument, checkArguments, checkFunction } from "../types/arguments.js";
import { ErmineError } from "../types/errors.js";
import { nearestName } from "../types/spelling.js";
import type { Tensor } from "../types/tensor.js";
import { checkModule, type Module } from "./module.js";

/**
 * Runs fn, and takes the outputs of the modules at `paths` on the way: the last one where a module runs more than once. A compiled function can
 * return them, and a gradient flows through them. The hooks are gone afterwards, also where fn throws.
 *
 * @example
 * const { features } = withFeatures(model, ["0"], () => model.forward(x));
 * features[0].shape; // => [2, 8]
 * @throws ErmineError ERMINE_USAGE for a path that the model does not have, or one that did not run
 */
export function withFeatures<P extends string, R, F = Tensor>(
  model: Module,
  paths: readonly P[],
  fn: () => R,
): { readonly result: R; readonly features: Readonly<Record<P, F>> } {
  if (arguments.length > 3) checkArguments("withFeatures", arguments, 3);
  checkModule("withFeatures: its first argument", model);
  checkArgument("withFeatures(model, paths, fn)", "paths", paths, "list");
  checkFunction("withFeatures", fn, "withFeatures(model, paths, () => model.forward(x))");
  const modules = new Map(model.namedModules());
  for (const path of paths) {
    if (modules.has(path)) continue;
    const near = nearestName(String(path), [...modules.keys()]);
    const hint = near === undefined ? `It has: ${[...modules.keys()].slice(1).join(", ") || "none"}.` : `Did you mean "${near}"?`;
    throw new ErmineError("ERMINE_USAGE", `withFeatures: there is no module ${show(path)} in ${model.describe()}. ${hint}`);
  }
  const outputs = new Map<P, unknown>();
  const removers = paths.map((path) => modules.get(path)!.onForward((output) => void outputs.set(path, output)));
  try {
    const result = fn();
    const idle = paths.find((path) => !outputs.has(path));
    if (idle !== undefined) throw new ErmineError("ERMINE_USAGE", `withFeatures: "${idle}" did not run.`);
    return { result, features: Object.fromEntries(outputs) as Readonly<Record<P, F>> };
  } finally {
    for (const remove of removers) remove();
  }
}
