/** Several losses as one: what a model with auxiliary outputs minimizes. */
import { ErmineError } from "@ermine/core";
import { checkArguments, requireOptions, show } from "@ermine/core/define";
import { isLoss, type LossPart, type WeightedSum } from "./objective.js";

export type { LossPart, WeightedSum } from "./objective.js";

/**
 * Σ weight · (Σ value / Σ normalizer) over the parts: each part is a mean of its own, over what counts for it; one for which nothing in a
 * batch counts is left out of that batch. Logs, callbacks and `evaluate` have each part's mean by its name, without its weight, beside "loss". The
 * first part is the main one: metrics and `predict` read its output and its target.
 *
 * @example weightedSum([
 *   { name: "label", loss: crossEntropy, output: "label", target: "label" },
 *   { name: "age", loss: huber, weight: 0.3, output: "age", target: "age" },
 * ])
 * @throws ErmineError ERMINE_OPTION: no parts, a name twice, a weight that is no number
 */
export function weightedSum<const Name extends string>(parts: readonly LossPart<Name>[]): WeightedSum<Name> {
  if (arguments.length > 1) checkArguments("weightedSum", arguments, 1);
  if (!Array.isArray(parts))
    throw new ErmineError("ERMINE_OPTION", "weightedSum takes a list of parts: weightedSum([{ name, loss }, …]).");
  if (parts.length === 0) throw new ErmineError("ERMINE_OPTION", "weightedSum needs at least one part: { name, loss }.");
  const names = new Set<string>(["loss"]);
  // Array.isArray makes any of it.
  for (const part of parts as readonly LossPart<Name>[]) {
    requireOptions("weightedSum: a part", part, { name: "string", loss: "any", weight: "number", output: "any", target: "any" });
    const { name, loss, weight = 1 } = part;
    if (typeof name !== "string" || name === "" || names.has(name)) {
      throw new ErmineError(
        "ERMINE_OPTION",
        `weightedSum: each part has a name of its own, other than "loss"; got ${show(name)}${names.has(name) ? " again" : ""}.`,
      );
    }
    names.add(name);
    if (typeof loss !== "function") throw new ErmineError("ERMINE_OPTION", `weightedSum: the part "${name}" has no loss.`);
    if (!Number.isFinite(weight))
      throw new ErmineError("ERMINE_OPTION", `weightedSum: the weight of "${name}" is a number, got ${show(weight)}.`);
  }
  return { parts: parts.map((part) => ({ ...part, weight: part.weight ?? 1 })) };
}

/** @internal What a part is called in a configuration. */
export const partName = ({ name, loss }: LossPart): string => (isLoss(loss) ? `${name}: ${loss.lossName}` : name);
