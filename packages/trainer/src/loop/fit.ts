/** The loop: epochs of updates, what is logged of them, and who is told. */
import { loadChunk } from "@ermine/core";
import type { Control, Logs } from "../callbacks/callback.js";
import { Ahead } from "../data/ahead.js";
import { batches, reorder } from "../data/batches.js";
import type { Dataset } from "../data/dataset.js";
import { Resident } from "../data/resident.js";
import { checkIndices } from "../data/indices.js";
import { checkTargets } from "../data/targets.js";
import type { Directions } from "../monitor.js";
import { checkMonitors, directionsOf, followers, validationName, type FitRun, type History } from "../options.js";
import { addSums, meansOf, riskOf, type HostSums } from "../risk/means.js";
import { outputShapesOf, partsOf } from "../risk/objective.js";
import type { Shadow } from "../plan/shadow.js";
import { yieldToEventLoop } from "../step/yieldToEventLoop.js";
import { defineEvaluate, defineUpdate, updateEntries } from "../step/entries.js";
import { noticesOfTables } from "../step/rows.js";
import { checkBatchSizes } from "../step/sizes.js";
import { allOrNothing, type Training } from "../step/training.js";
import type { Work } from "../step/turns.js";
import { takeUpdate } from "../step/update.js";
import { evaluate } from "./evaluate.js";

/** What an epoch adds up. */
interface Sums {
  readonly parts: HostSums[];
  penalty: number;
  steps: number;
  samples: number;
}

/** @param work this call of `fit` */
export async function fit<M extends string, T extends string>(
  training: Training,
  run: FitRun<M, T>,
  work: Work,
): Promise<History> {
  const { engine } = training;
  const better = await training.turns.take(() => {
    work.check();
    return prepare(training, run);
  });
  // One epoch takes each row once: then nothing is gained by a copy.
  if (run.epochs > 1 && engine.program?.takesRows === true) training.resident = Resident.of(engine.backend, run.training);
  try {
    if (run.shadow === undefined) return await loop(training, run, better, undefined, work);
    const { Shadow } = await loadChunk("The trainer's shadow run", () => import("../plan/index.js"));
    const shadow = await Shadow.open(training, run.training, run.shadow, run.notice);
    try {
      work.check();
      return { ...(await loop(training, run, better, shadow, work)), shadow: shadow.report };
    } finally {
      shadow.close();
    }
  } finally {
    // After a dispose they may be another fit's.
    if (!work.ended) {
      training.resident?.release();
      training.feeds = training.ahead = training.resident = undefined;
    }
  }
}

async function loop<M extends string, T extends string>(
  training: Training,
  run: FitRun<M, T>,
  better: Directions,
  shadow: Shadow | undefined,
  work: Work,
): Promise<History> {
  const { state, setup, turns } = training;
  const { batchSize, callbacks, dropLast, epochs } = run;
  const history = { epochs: [] as Logs[], steps: [] as number[] };
  const ahead = training.engine.backend.readSync === undefined ? new Ahead(run.training) : undefined;
  training.ahead = ahead;
  // Micro-batches see to it themselves (step/update.ts).
  const waitFor = <T>(step: Promise<T>, next: Int32Array | undefined): Promise<T> =>
    (training.accumulate === 1 ? ahead?.during(step, next) : undefined) ?? step;
  let ended: string | undefined;
  const control: Control = { model: setup.model, stop: (reason = "stopped") => void (ended ??= String(reason)) };
  const order = run.shuffle ? { seed: setup.seed, epoch: state.epoch } : undefined;
  const all = batches(run.training.length, batchSize, order, dropLast);
  const stepsPerEpoch = Math.ceil(all.length / training.accumulate);
  /** Waits until a step may be taken. @returns whether one still is to be taken */
  const ready = async (): Promise<boolean> => {
    for (let { busy } = turns; busy !== undefined; busy = turns.busy) await busy;
    return mayGoOn();
  };
  const mayGoOn = (): boolean => {
    work.check();
    if (run.signal?.aborted === true) ended = "aborted";
    return ended === undefined;
  };
  for (const callback of callbacks) await callback.onTrainBegin?.(control, { epochs, stepsPerEpoch, better, resumed: false });
  for (let epoch = 0; epoch < epochs && (await ready()); epoch++) {
    // A callback may have frozen or thawed layers.
    if (epoch > 0) {
      allOrNothing(training, () => {
        defineUpdate(training, run.training);
        training.engine.prepare();
      });
    }
    const started = performance.now();
    const sums: Sums = { parts: [], penalty: 0, steps: 0, samples: 0 };
    if (run.shuffle && epoch > 0) reorder(all, { seed: setup.seed, epoch: state.epoch });
    for (let first = 0; first < all.length; first += training.accumulate) {
      if (!(turns.busy === undefined ? mayGoOn() : await ready())) break;
      const parts = training.accumulate === 1 ? [all[first]!] : all.slice(first, first + training.accumulate);
      const pending =
        shadow === undefined
          ? takeUpdate(training, run.training, parts, run.notice)
          : shadow.watch(parts, () => takeUpdate(training, run.training, parts, run.notice));
      const taken = pending instanceof Promise ? await turns.hold(waitFor(pending, all[first + 1])) : pending;
      for (const rows of parts) sums.samples += rows.length;
      if (taken !== undefined) {
        addSums(sums.parts, taken.sums);
        sums.penalty += taken.penalty;
        sums.steps++;
        const loss = riskOf(partsOf(setup.loss), taken.sums) + taken.penalty;
        history.steps.push(loss);
        const stepInEpoch = first / training.accumulate + 1;
        const means = meansOf(partsOf(setup.loss), taken.sums);
        for (const callback of callbacks) {
          const told = callback.onStep?.(
            { epoch, step: state.step, stepInEpoch, stepsPerEpoch, samples: sums.samples, loss, parts: means },
            control,
          );
          if (told !== undefined) await told;
          work.check();
        }
      }
      const rest = yieldToEventLoop();
      if (rest !== undefined) await rest;
    }
    work.check();
    if (run.signal?.aborted === true) ended = "aborted";
    if (ended === "aborted") break;
    state.epoch++;
    const seconds = (performance.now() - started) / 1000;
    const logs = await logsOf(training, sums, run, work);
    history.epochs.push(logs);
    observe(training, logs, better, run.notice);
    const info = { epoch, epochs, step: state.step, samplesPerSecond: sums.samples / seconds, logs };
    for (const callback of callbacks) {
      await callback.onEpochEnd?.(info, control);
      work.check();
    }
  }
  for (const callback of callbacks) await callback.onTrainEnd?.(control);
  work.check();
  return { ...history, ...(ahead === undefined ? {} : { loading: ahead.report }), stopped: ended ?? "finished" };
}

/**
 * Makes the program and looks at the data, so that what cannot work is said before the first step, and leaves no trace.
 *
 * @returns which way each log gets better
 */
function prepare(training: Training, { training: data, validation, batchSize, dropLast, callbacks, notice }: FitRun): Directions {
  const better = allOrNothing(training, () => {
    const { engine, setup, metrics, state } = training;
    defineUpdate(training, data);
    if (validation !== undefined) defineEvaluate(training, validation);
    engine.prepare();
    checkBatchSizes(training, updateEntries(training), "fit", { length: data.length, batchSize, dropLast });
    if (validation !== undefined)
      checkBatchSizes(training, ["evaluate"], "fit's validation", { length: validation.length, batchSize, dropLast: false });
    checkData(training, data, "training", updateEntries(training));
    if (validation !== undefined) checkData(training, validation, "validation", ["evaluate"]);
    const directions = directionsOf({ loss: setup.loss, metrics }, validation !== undefined);
    checkMonitors([...callbacks, ...followers(state.optimizer)], directions);
    for (const { checkDirection, monitor } of followers(state.optimizer)) checkDirection?.(directions[monitor]);
    return directions;
  });
  if (training.state.step === 0) for (const text of noticesOfTables(training.setup.model, training.state.groups)) notice(text);
  return better;
}

function checkData({ engine, setup: { loss, model } }: Training, data: Dataset, name: string, entries: readonly string[]): void {
  data.checkFinite();
  const graphs = engine.trace().entries;
  checkIndices(
    name,
    data,
    entries.map((entry) => graphs[entry]!),
  );
  checkTargets(name, loss, data, outputShapesOf(model));
}

async function logsOf(
  training: Training,
  sums: Sums,
  run: Pick<FitRun, "validation" | "batchSize" | "validationWeights">,
  work: Work,
): Promise<Logs> {
  const parts = partsOf(training.setup.loss);
  const means = sums.parts.length > 0 ? sums.parts : parts.map(() => ({ value: 0, normalizer: 0 }));
  const logs: Record<string, number> = {
    loss: riskOf(parts, means) + (sums.steps > 0 ? sums.penalty / sums.steps : 0),
    ...meansOf(parts, means),
  };
  const { validation, batchSize, validationWeights } = run;
  if (validation === undefined) return logs;
  // Not while withAveragedWeights has others in place.
  for (let { busy } = training.turns; busy !== undefined; busy = training.turns.busy) await busy;
  const values = await evaluate(training, validation, batchSize, validationWeights, work);
  for (const [name, value] of Object.entries(values)) logs[validationName(name)] = value;
  return logs;
}

/** Tells schedules that follow a log. */
function observe({ state }: Training, logs: Logs, better: Directions, notice: (message: string) => void): void {
  // A set: groups may share a schedule, which is told once.
  for (const rate of new Set(followers(state.optimizer))) {
    const value = logs[rate.monitor]!;
    const before = state.schedules.get(rate) ?? rate.init?.();
    if (rate.observe !== undefined) state.schedules.set(rate, rate.observe(before, value, better[rate.monitor]));
    if (Number.isNaN(value))
      notice(
        `ermine: ${rate.name} follows "${rate.monitor}", which was NaN after epoch ${state.epoch}: that counts as no improvement.`,
      );
  }
}
