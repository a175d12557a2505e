/** The callbacks that `fit` was given, checked before anything is done: what would never be called is refused. */
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import type { Callback } from "./callback.js";

/** An entry of a list of callbacks: `condition && callback` leaves something falsy where the condition does not hold. */
export type CallbackEntry<Name extends string = never> = Callback<Name> | false | null | undefined | "" | 0;

const hooks = ["onTrainBegin", "onEpochBegin", "onBatch", "onStep", "onEpochEnd", "onSnapshot", "onTrainEnd"] as const;

/** Methods of a callback that are not hooks. */
const methods: readonly string[] = ["state", "restore", "release"];

/** Other frameworks' names for what a hook here is. */
const foreign: Readonly<Record<string, string>> = {
  onTrainStart: "onTrainBegin",
  onFitStart: "onTrainBegin",
  onFitEnd: "onTrainEnd",
  onBatchBegin: "onBatch",
  onTrainBatchBegin: "onBatch",
  onTrainBatchStart: "onBatch",
  onEpochStart: "onEpochBegin",
  onTrainEpochStart: "onEpochBegin",
  onBatchEnd: "onStep",
  onTrainBatchEnd: "onStep",
  onStepEnd: "onStep",
  onTrainEpochEnd: "onEpochEnd",
  onValidationEpochEnd: "onEpochEnd",
  onValidationEnd: "onEpochEnd",
};

/** Names of its methods, those of its class among them. */
function methodsOf(callback: object): string[] {
  const names = new Set<string>();
  for (
    let at: object | null = callback;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  return [...names];
}

/**
 * The callbacks among the entries; falsy ones are left out.
 *
 * @throws ErmineError ERMINE_OPTION where the list is no array, or an entry is no callback: a function that was not called, a hook under another
 * name ("onEpochENd": with the nearest), a hook that is no function, or none at all
 */
export function checkCallbacks<Name extends string>(entries: unknown): readonly Callback<Name>[] {
  if (!Array.isArray(entries)) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `fit: callbacks is a list: callbacks: [earlyStopping({ monitor: "valLoss" })], got ${kindOf(entries)}.`,
    );
  }
  const callbacks = (entries as readonly CallbackEntry<Name>[]).filter(Boolean) as readonly Callback<Name>[];
  callbacks.forEach(checkCallback);
  return callbacks;
}

const kindOf = (value: unknown): string =>
  value === null ? "null" : typeof value === "object" ? "an object" : typeof value === "function" ? "a function" : String(value);

function checkCallback(callback: unknown): void {
  if (typeof callback === "function") {
    const { name } = callback as { name: string };
    throw new ErmineError(
      "ERMINE_OPTION",
      `fit: the callback ${name === "" ? "" : `${name} `}is a function, which was not called. Write callbacks: [${name || "make"}()], or { name, onEpochEnd() { … } } for one of your own.`,
    );
  }
  if (typeof callback !== "object" || callback === null) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `fit: a callback is an object with hooks (${hooks.join(", ")}), got ${kindOf(callback)}.`,
    );
  }
  const fields = callback as Readonly<Record<string, unknown>>;
  const name = typeof fields["name"] === "string" ? fields["name"] : "a callback";
  for (const method of methodsOf(callback)) {
    if ((hooks as readonly string[]).includes(method) || methods.includes(method)) continue;
    const near = nearestName(method, hooks, foreign);
    if (near === undefined && !method.startsWith("on")) continue;
    throw new ErmineError(
      "ERMINE_OPTION",
      `fit: ${name} has a hook "${method}", which nobody calls. ${near === undefined ? `There are: ${hooks.join(", ")}.` : `Did you mean "${near}"?`}`,
    );
  }
  for (const hook of [...hooks, ...methods]) {
    if (fields[hook] === undefined || typeof fields[hook] === "function") continue;
    throw new ErmineError("ERMINE_OPTION", `fit: ${hook} of ${name} is a function, got ${kindOf(fields[hook])}.`);
  }
  if (hooks.every((hook) => fields[hook] === undefined)) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `fit: ${name} has none of the hooks ${hooks.join(", ")}, so it would do nothing.${"then" in fields ? " It is a promise: await it." : ""}`,
    );
  }
}
