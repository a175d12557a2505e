/** Requirements of a graph on sizes that are still open when it is traced: how many elements something is measured over. */
import { checkCall } from "./arguments.js";
import { ErmineError } from "../types/errors.js";
import { Dim, type Bindings } from "../types/dim.js";

/** A spread is measured over this many elements, and over one there is none. */
export interface Requirement {
  /** How many there are. */
  readonly count: Dim;
  /** The module that measures: "BatchNorm1d 4". */
  readonly what: string;
  /** The path of the module that asked for it. */
  readonly path: string;
}

/** "encoder.1 (BatchNorm1d 4)". */
export function requirementPlace(requirement: Requirement): string {
  checkCall("requirementPlace(requirement)", arguments);
  const { path, what } = requirement;
  return path === "" ? `(${what})` : `${path} (${what})`;
}

/** The first of a graph's requirements that does not hold for these sizes. */
export function unmetRequirement(
  graph: { readonly requirements?: readonly Requirement[] },
  bindings: Bindings,
): Requirement | undefined {
  checkCall("unmetRequirement(graph, bindings)", arguments);
  return graph.requirements?.find(({ count }) => count.evaluate(bindings) === 1);
}

/** Of a size that is known. @throws ErmineError ERMINE_SHAPE where it is 1 */
export const oneValue = (shape: string): ErmineError =>
  new ErmineError(
    "ERMINE_SHAPE",
    `cannot measure a variance over one value a channel, got ${shape}. Use a larger batch or a larger input, or eval() where running statistics are kept.`,
  );

/** @throws ErmineError ERMINE_SHAPE where a requirement does not hold for these sizes */
export function checkRequirements(
  entry: string,
  graph: { readonly requirements?: readonly Requirement[] },
  bindings: Bindings,
): void {
  const unmet = unmetRequirement(graph, bindings);
  if (unmet === undefined) return;
  const sizes = Object.entries(bindings).map(([symbol, size]) => `${symbol} = ${size}`);
  throw oneValue(`${String(unmet.count)} with ${sizes.join(", ")}`).at(`${entry}: ${requirementPlace(unmet)}`);
}
