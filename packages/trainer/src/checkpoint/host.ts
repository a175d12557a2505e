/** Is what a file says of the host's part of a training such a part? */
import { ErmineError } from "@ermine/core";
import type { HostState, SavedState } from "../step/contract.js";

type Check = (value: SavedState | undefined) => boolean;
type StateObject = { readonly [key: string]: SavedState };

const isObject = (value: SavedState | undefined): value is StateObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber: Check = (value) => typeof value === "number";
const isText: Check = (value) => typeof value === "string";
const isDefined: Check = (value) => value !== undefined;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && (value as readonly SavedState[]).every(check);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const objectOf =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([key, check]) => check(value[key]));
const recordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);

const checks: Readonly<Record<keyof HostState, Check>> = {
  batch: isCount,
  update: isCount,
  epoch: isCount,
  cursor: isDefined,
  seed: isNumber,
  schedules: listOf(listOf(isDefined)),
  ages: recordOf(objectOf({ skippedSteps: isCount, frozenSince: orNull(isCount) })),
  frozen: listOf(isText),
  trained: orNull(listOf(isText)),
  hasLargeScalars: (value) => typeof value === "boolean",
  sums: objectOf({
    parts: listOf(objectOf({ value: isNumber, normalizer: isNumber })),
    penalty: isNumber,
    gradNorm: isNumber,
    steps: isCount,
    samples: isCount,
    batches: isCount,
  }),
  history: objectOf({
    epochs: listOf(recordOf(isNumber)),
    steps: (value) => value instanceof Float64Array || listOf(isNumber)(value),
  }),
  span: orNull(objectOf({ firstStep: isCount, firstEpoch: isCount, steps: orNull(isCount), epochs: isCount })),
  stopped: orNull(isText),
  callbacks: listOf(objectOf({ name: isText, state: isDefined })),
};

const oneOf =
  (names: readonly string[]): Check =>
  (value) =>
    names.includes(value as string);

const isVariables = listOf(
  objectOf({ name: isText, role: oneOf(["parameter", "buffer", "slot", "average"]), dtype: oneOf(["float32", "int32", "bool"]) }),
);

/** Is it a list of variables, each with a name that no other of its kind has? */
export function areVariables(variables: unknown): variables is readonly StateObject[] {
  if (!isVariables(variables as SavedState)) return false;
  const names = (variables as readonly StateObject[]).map(
    ({ name, role }) => `${role === "slot" || role === "average"} ${String(name)}`,
  );
  return new Set(names).size === names.length;
}

/** The first part of the host's that is missing, or of another kind; undefined: none is. */
const wrongPart = (host: unknown): string | undefined =>
  Object.entries(checks).find(([key, check]) => !isObject(host as SavedState) || !check((host as StateObject)[key]))?.[0];

/** @throws ErmineError ERMINE_DATA where a file says something else */
export function checkSaved(host: SavedState | undefined, variables: SavedState | undefined): asserts host is StateObject {
  const part = wrongPart(host);
  if (part !== undefined)
    throw new ErmineError("ERMINE_DATA", `What it says of ${part} is missing, or of another kind than it is in a training.`);
  if (!areVariables(variables))
    throw new ErmineError("ERMINE_DATA", "It does not say which of its tensors are the training's variables.");
}

/** @throws ErmineError ERMINE_USAGE where an object that looks like a snapshot is none */
export function checkParts({ host, variables }: { readonly host: unknown; readonly variables: unknown }): void {
  const part = wrongPart(host) ?? (areVariables(variables) ? undefined : "variables");
  if (part === undefined) return;
  throw new ErmineError(
    "ERMINE_USAGE",
    `encodeCheckpoint: what the snapshot says of ${part} is missing, or of another kind than it is in a training. Take what trainer.snapshot() gives.`,
  );
}
