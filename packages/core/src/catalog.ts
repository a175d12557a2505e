/**
 * Definitions by name, with their prose: for configuration files, reference pages, the gallery and conformance. A program that
 * names its activation in code does not need it, and does not carry it.
 */
import * as activationModule from "./activations/index.js";
import type { Activation, ActivationProse } from "./activations/definition.js";
import { ErmineError, nearestName } from "./types/errors.js";
import * as lossModule from "./losses/index.js";
import type { Loss, LossProse } from "./losses/definition.js";

export interface ActivationEntry {
  readonly name: string;
  /** The function: (x, options), or (x, weight) for prelu. */
  readonly activation: Activation | typeof activationModule.prelu;
  /** Absent where the definition says nothing but its meaning. */
  readonly prose: ActivationProse | undefined;
}

export interface LossEntry {
  readonly name: string;
  readonly loss: Loss;
  readonly prose: LossProse | undefined;
}

const proseOf = <P>(exports: object, key: string): P | undefined => (exports as Record<string, P>)[`${key}Prose`];

function activationEntries(): ActivationEntry[] {
  const entries = Object.entries(activationModule).flatMap(([key, value]): ActivationEntry[] => {
    if (key === "prelu") return [{ name: key, activation: activationModule.prelu, prose: activationModule.preluProse }];
    if (typeof value !== "function" || !("activationName" in value)) return [];
    const activation = value as unknown as Activation;
    // Aliases (swish) are not entries of their own.
    const alias = key !== activation.activationName && activation.activationName in activationModule;
    const prose =
      proseOf<ActivationProse>(activationModule, key) ?? proseOf<ActivationProse>(activationModule, activation.activationName);
    return alias ? [] : [{ name: activation.activationName, activation, prose }];
  });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function lossEntries(): LossEntry[] {
  return Object.entries(lossModule)
    .flatMap(([key, value]): LossEntry[] => {
      if (typeof value !== "function" || !("lossName" in value)) return [];
      const loss = value as unknown as Loss;
      return key === loss.lossName ? [{ name: key, loss, prose: proseOf<LossProse>(lossModule, key) }] : [];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Every activation, by name. */
export const activations: readonly ActivationEntry[] = activationEntries();

/** Every loss, by name. */
export const losses: readonly LossEntry[] = lossEntries();

const aliases: Readonly<Record<string, string>> = { swish: "silu", rreluEval: "rrelu", mae: "l1", linear: "identity" };

function find<E extends { readonly name: string }>(kind: string, entries: readonly E[], name: string): E {
  const wanted = aliases[name] ?? name;
  const entry = entries.find((e) => e.name === wanted);
  if (entry !== undefined) return entry;
  const names = entries.map((e) => e.name);
  const near = nearestName(name, names);
  throw new ErmineError(
    "ERMINE_OPTION",
    `There is no ${kind} "${name}". ${near === undefined ? `There are: ${names.join(", ")}.` : `Did you mean "${near}"?`}`,
  );
}

/** @throws ErmineError ERMINE_OPTION with the nearest name */
export const findActivation = (name: string): ActivationEntry => find("activation", activations, name);

/** @throws ErmineError ERMINE_OPTION with the nearest name */
export const findLoss = (name: string): LossEntry => find("loss", losses, name);
