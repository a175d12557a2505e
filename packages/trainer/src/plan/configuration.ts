/** A run's settings as plain JSON: what a log or a checkpoint keeps of them, the backend's choice among it. */
import { Tensor, type Backend } from "@ermine/core";
import { formatShape } from "@ermine/core/define";
import { groupsOf } from "../optimizers/groups.js";
import type { TrainerOptions } from "../options.js";
import { isLoss, isSum } from "../risk/objective.js";
import { partName } from "../risk/weightedSum.js";
import type { BackendChoice } from "./choice.js";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A run's settings as plain JSON. */
export interface Configuration {
  /** null: not chosen yet. */
  readonly backend: BackendChoice | null;
  /** The loss, by name and options. */
  readonly loss: { readonly name: string; readonly options: Json };
  /** One for each group. */
  readonly optimizers: readonly {
    readonly name: string;
    readonly options: Json;
    /** Does the group step on looked-up rows alone? Absent: no. */
    readonly lazy?: true;
  }[];
  /** The metrics, by name. */
  readonly metrics: readonly string[];
  /** The regularizers, by name. */
  readonly regularizers: readonly string[];
  /** The limit of the gradients' norm; null without one. */
  readonly clipGradNorm: Json;
  /** The limit of each element of a gradient; null without one. */
  readonly clipGradValue: number | null;
  /** Is the gradients' norm logged without a limit too? */
  readonly logGradNorm: boolean;
  /** Micro-batches an update. */
  readonly accumulate: number;
  /** Seed of shuffling and of random ops. */
  readonly seed: number;
  /** Are steps compiled? */
  readonly compile: boolean;
  /** Number of elements of the model's parameters. */
  readonly parameters: number;
}

export function configurationOf(options: TrainerOptions<string, string>, choice: BackendChoice | undefined): Configuration {
  const {
    loss,
    optimizer,
    clipGradNorm,
    clipGradValue = null,
    accumulate = 1,
    seed = 0,
    compile = true,
    logGradNorm = false,
  } = options;
  return {
    backend: choice ?? (typeof options.backend === "string" ? null : handedIn(options.backend)),
    loss: isLoss(loss)
      ? { name: loss.lossName, options: plain(loss.defaults) }
      : isSum(loss)
        ? { name: "weightedSum", options: Object.fromEntries(loss.parts.map((part) => [partName(part), part.weight])) }
        : { name: loss.name || "a function", options: {} },
    optimizers: groupsOf(optimizer).map(({ optimizer: { name, options: optimizerOptions }, lazy = false }) => ({
      name,
      options: plain(optimizerOptions),
      ...(lazy ? { lazy } : {}),
    })),
    metrics: (options.metrics ?? []).map(({ name }) => name),
    regularizers: (options.regularizers ?? []).map(({ name }) => name),
    clipGradNorm: plain(clipGradNorm),
    clipGradValue,
    logGradNorm,
    accumulate,
    seed,
    compile,
    parameters: options.model.parameterCount(),
  };
}

const handedIn = ({ name, engine, details = {} }: Backend): BackendChoice => {
  const why = "it was handed to the trainer";
  const candidate = { name, available: true, engine, details, millisecondsPerStep: null, why };
  return { asked: "given", name, engine, why, candidates: [candidate] };
};

/** Without what JSON has no word for: tensors are named by type and shape, schedules and functions by name. */
function plain(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "function") return value.name;
  if (value instanceof Tensor) return `${value.dtype}${formatShape(value.shape)}`;
  if (Array.isArray(value)) return value.map(plain);
  const entries = Object.entries(value).filter(([, member]) => typeof member !== "function");
  return Object.fromEntries(entries.map(([key, member]) => [key, plain(member)]));
}
