/**
 * Definitions by name, with their prose: for configuration files, reference pages, the gallery and conformance. A program that
 * names its activation in code does not need it, and does not carry it.
 */
import { show } from "./types/options.js";
import { checkArguments } from "./types/arguments.js";
import * as activationModule from "./activations/index.js";
import type { Activation } from "./activations/definition.js";
import { activationProse, lossProse } from "./catalogProse.js";
import { ErmineError } from "./types/errors.js";
import { nearestName } from "./types/spelling.js";
import type { ActivationProse, LossProse } from "./prose.js";
import * as lossModule from "./losses/index.js";
import type { Loss } from "./losses/definition.js";

export type { ActivationProse, LossProse } from "./prose.js";

/** An activation of the catalog. */
export interface ActivationEntry {
  /** As in code: "leakyRelu". */
  readonly name: string;
  /** The function: (x, options), or (x, weight) for prelu. */
  readonly activation: Activation | typeof activationModule.prelu;
  /** The list in its docstring. */
  readonly prose: ActivationProse | undefined;
}

/** A loss of the catalog. */
export interface LossEntry {
  /** As in code: "crossEntropy". */
  readonly name: string;
  /** The function: (…inputs, options). */
  readonly loss: Loss;
  /** The list in its docstring. */
  readonly prose: LossProse | undefined;
}

function activationEntries(): ActivationEntry[] {
  const entries = Object.entries(activationModule).flatMap(([key, value]): ActivationEntry[] => {
    if (key === "prelu") return [{ name: key, activation: activationModule.prelu, prose: activationProse[key] }];
    if (typeof value !== "function" || !("activationName" in value)) return [];
    const activation = value as unknown as Activation;
    // Aliases (swish) are not entries of their own.
    const alias = key !== activation.activationName && activation.activationName in activationModule;
    const name = activation.activationName;
    return alias ? [] : [{ name, activation, prose: activationProse[name] }];
  });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function lossEntries(): LossEntry[] {
  return Object.entries(lossModule)
    .flatMap(([key, value]): LossEntry[] => {
      if (typeof value !== "function" || !("lossName" in value)) return [];
      const loss = value as unknown as Loss;
      return key === loss.lossName ? [{ name: key, loss, prose: lossProse[key] }] : [];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Every activation, by name. */
export const activations: readonly ActivationEntry[] = activationEntries();

/** Every loss, by name. */
export const losses: readonly LossEntry[] = lossEntries();

const aliases: Readonly<Record<string, string>> = { swish: "silu", rreluEval: "rrelu", mae: "l1", linear: "identity" };

function find<E extends { readonly name: string }>(kind: string, entries: readonly E[], name: string): E {
  const canonicalName = aliases[name] ?? name;
  const entry = entries.find((e) => e.name === canonicalName);
  if (entry !== undefined) return entry;
  const names = entries.map((e) => e.name);
  const near = nearestName(name, names);
  throw new ErmineError(
    "ERMINE_OPTION",
    `There is no ${kind} ${show(name)}. ${near === undefined ? `There are: ${names.join(", ")}.` : `Did you mean "${near}"?`}`,
  );
}

/**
 * The activation of a name; "swish" and "linear" are aliases.
 *
 * @throws ErmineError ERMINE_OPTION with the nearest name
 * @example findActivation("mish").prose?.range; // => [−0.31, ∞)
 */
export function findActivation(name: string): ActivationEntry {
  if (arguments.length > 1) checkArguments("findActivation", arguments, 1);
  return find("activation", activations, name);
}

/**
 * The loss of a name; "mae" is an alias.
 *
 * @throws ErmineError ERMINE_OPTION with the nearest name
 * @example findLoss("mae").name; // => l1
 */
export function findLoss(name: string): LossEntry {
  if (arguments.length > 1) checkArguments("findLoss", arguments, 1);
  return find("loss", losses, name);
}
