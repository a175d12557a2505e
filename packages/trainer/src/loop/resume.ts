/** A training that goes on from a snapshot: are its settings those of the snapshot, and what do its callbacks get back? */
import { ErmineError, type Backend } from "@ermine/core";
import { copyMark, show } from "@ermine/core/define";
import type { Callback, Control } from "../callbacks/callback.js";
import { namedColumns, signatureOf } from "../data/columns.js";
import { Dataset } from "../data/dataset.js";
import { readOnce } from "../data/readOnce.js";
import type { Column } from "../data/column.js";
import type { ColumnTypes, DataSource, Json } from "../data/source.js";
import type { FitRun } from "./fitOptions.js";
import type { OptimizerSetup } from "../optimizers/groups.js";
import { optimizersOf } from "../optimizers/groups.js";
import type { Configuration } from "../plan/configuration.js";
import type { CallbackState, SnapshotSettings, TrainingSnapshot } from "../step/contract.js";
import { copyState } from "../step/savedState.js";
import { checkSnapshot, restoreSnapshot, takeSnapshot } from "../step/snapshot.js";
import type { Training } from "../step/training.js";
import type { Resumed, SettingsOf } from "./resumed.js";

export { restoreSnapshot, takeSnapshot };

type JsonObject = { readonly [key: string]: Json };

/** The steps and epochs at which schedules are compared; of one that takes a length of as many. */
const probes = [0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000];

/**
 * Settings of the trainer and of `fit` that a snapshot stores.
 *
 * @param run undefined: of the trainer alone
 */
export function settingsOf(
  { backend: _, parameters: __, ...configuration }: Configuration,
  optimizer: OptimizerSetup,
  { name, engine }: Backend,
  run: { readonly types: ColumnTypes; readonly run: FitRun } | undefined,
): SnapshotSettings {
  const rates = optimizersOf(optimizer).map((groupOptimizer) =>
    groupOptimizer.rates.map((rate) =>
      typeof rate === "number" || rate.observe !== undefined
        ? null
        : probes.map((time) => jsonNumber(rate.at(time, undefined, probes.at(-1)!))),
    ),
  );
  return {
    version: copyMark("").version,
    backend: { name, engine },
    trainer: { ...(configuration as unknown as JsonObject), schedules: rates },
    fit: run === undefined ? null : fitSettings(run.run, run.types),
  };
}

const jsonNumber = (value: number): Json => (Number.isFinite(value) ? value : String(value));

const fitSettings = (run: FitRun, types: ColumnTypes): Json => ({
  ...run.settings,
  data: { ...describe(run.training), columns: signatureOf(types) },
  validation: run.validation === undefined ? { samples: 0 } : describe(run.validation),
});

const describe = (source: DataSource): JsonObject => ({
  samples: source.length ?? null,
  fingerprint: source instanceof Dataset ? fingerprintOf(source) : null,
});

/** Elements of a column that are looked at. */
const maxHashedElements = 65_536;
const fingerprints = new WeakMap<Dataset, number>();

/** A hash of elements all over a data set: whether it is the same one, in the same order. */
function fingerprintOf(data: Dataset): number {
  let hash = fingerprints.get(data);
  if (hash !== undefined) return hash;
  hash = 0x811c9dc5;
  const float = new Float64Array(1);
  const float64Bits = new Int32Array(float.buffer);
  for (const [, column] of namedColumns<Column>(data)) {
    const { data: elements } = column;
    const stride = Math.max(1, Math.floor(elements.length / maxHashedElements));
    for (let i = 0; i < elements.length; i += stride) {
      float[0] = elements[i]!;
      hash = Math.imul(Math.imul(hash ^ float64Bits[0]!, 16777619) ^ float64Bits[1]!, 16777619);
    }
  }
  hash >>>= 0;
  fingerprints.set(data, hash);
  return hash;
}

/** The first place where they differ, and both values there. What a snapshot does not say is not compared. */
function difference(saved: Json | undefined, present: Json | undefined, path: string): readonly [string, Json, Json] | undefined {
  const isObject = (value: Json | undefined): value is JsonObject | readonly Json[] =>
    typeof value === "object" && value !== null;
  if (isObject(saved) && isObject(present)) {
    for (const key of new Set([...Object.keys(saved), ...Object.keys(present)])) {
      const [a, b] = [saved, present].map((settings) => (settings as JsonObject)[key]);
      const firstDifference = difference(a, b, path === "" ? key : `${path}.${key}`);
      if (firstDifference !== undefined) return firstDifference;
    }
    return undefined;
  }
  return saved === present || saved === undefined ? undefined : [path, saved, present ?? null];
}

/**
 * @param finished are there no epochs left? Then data are not read
 * @throws ErmineError ERMINE_OPTION that names the first setting that is another one, ERMINE_DATA for data that can be read once
 */
function checkSettings(saved: SnapshotSettings, present: SnapshotSettings, run: FitRun, finished: boolean): void {
  const { notice, training } = run;
  const changedSetting =
    difference(saved.trainer, present.trainer, "the trainer's ") ??
    (saved.fit === null ? undefined : difference(saved.fit, present.fit, "fit's "));
  if (changedSetting !== undefined) throw anotherSetting(...changedSetting);
  if (training.resume === "none" && !finished) throw readOnce(false);
  const [from, to] = [saved.backend, present.backend];
  if (from.name !== to.name || from.engine !== to.engine) {
    notice(
      `ermine: the snapshot was made on ${from.name} (${from.engine}), and training goes on on ${to.name} (${to.engine}): its numbers are the same within ` +
        "float32's rounding, not to the last bit.",
    );
  }
  if (saved.version !== present.version)
    notice(`ermine: the snapshot was made by version ${saved.version}, and this is ${present.version}: bits may differ.`);
}

function anotherSetting(path: string, saved: Json, present: Json): ErmineError {
  const name = path.replace("'s .", "'s ");
  const isData = name.startsWith("fit's data") || name.startsWith("fit's validation");
  const isSchedule = name.startsWith("the trainer's schedules");
  const remedy = isData
    ? "Take the same data in the same order."
    : isSchedule
      ? "Take the same schedules; one that ends with training is made for the epochs that it was made for then."
      : "Take the same value.";
  return new ErmineError(
    "ERMINE_OPTION",
    `fit: ${name} is ${JSON.stringify(present)}, and that of the snapshot to resume from is ${JSON.stringify(saved)}. ${remedy} epochs, callbacks, the backend, ` +
      "onRefusal, signal, shadow and notice may change. To begin anew with its parameters, load these: trainer.restore(snapshot) without resume.",
  );
}

/** Gives the callbacks back what they kept: each the first state of its name that is left. */
function restoreCallbacks({ host }: TrainingSnapshot, callbacks: readonly Callback<string>[], control: Control): void {
  const remainingStates = [...host.callbacks];
  for (const callback of callbacks) {
    const { name } = callback;
    if (callback.state === undefined && callback.restore === undefined) {
      control.notice(
        `ermine: the callback ${name} has no state(), so that what it keeps is as at the beginning. Give it state() and restore(), or state: () => null where it keeps nothing.`,
      );
      continue;
    }
    const place = remainingStates.findIndex((saved) => saved.name === name);
    if (place < 0) {
      control.notice(`ermine: the callback ${name} was not there when the snapshot was made, and begins now.`);
      continue;
    }
    const [{ state }] = remainingStates.splice(place, 1) as [CallbackState];
    if (state !== null) callback.restore?.(copyState(`The state of ${name}`, state), control);
  }
  for (const { name, state } of remainingStates)
    if (state !== null) control.notice(`ermine: the snapshot has a state of the callback ${name}, which is not there any more.`);
}

/** @throws ErmineError ERMINE_OPTION where it is neither a snapshot nor a source of them */
function checkResume(resume: unknown): void {
  const { latest, variables } = (resume ?? {}) as { readonly latest?: unknown; readonly variables?: unknown };
  if (typeof latest === "function" || Array.isArray(variables)) return;
  const isPromise = typeof (resume as { then?: unknown } | null)?.then === "function";
  throw new ErmineError(
    "ERMINE_OPTION",
    `fit: resume is a snapshot, or a source of them, got ${isPromise ? "a promise. Await it" : show(resume)}. Write ` +
      'const saves = checkpoint({ folder: "run" }), with import { checkpoint } from "@ermine/trainer/checkpoint/node", and fit(data, { resume: saves, callbacks: [saves], … }).',
  );
}

/**
 * undefined: there is nothing to go on from yet.
 *
 * @throws ErmineError where it is a snapshot of another training
 */
export async function resuming(
  training: Training,
  run: FitRun,
  types: ColumnTypes,
  settings: SettingsOf,
): Promise<Resumed | undefined> {
  const resume = run.resume!;
  checkResume(resume);
  const snapshot: TrainingSnapshot | undefined = "latest" in resume ? await resume.latest(run.notice) : resume;
  if (snapshot === undefined) return undefined;
  checkSnapshot(snapshot);
  const { host } = snapshot;
  const isFinished = host.stopped !== null || host.history.epochs.length >= run.epochs;
  const present = await settings({ run, types });
  checkSettings(snapshot.settings, present, run, isFinished);
  return {
    async restored(prepare) {
      const before = await takeSnapshot(training, present);
      restoreSnapshot(training, snapshot);
      try {
        const prepared = prepare();
        training.state.switchFrozen();
        return prepared;
      } catch (error) {
        restoreSnapshot(training, before);
        training.state.switchFrozen();
        throw error;
      }
    },
    restoreCallbacks: (control) => restoreCallbacks(snapshot, run.callbacks, control),
  };
}
