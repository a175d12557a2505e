/** The loop: epochs of updates, what is logged of them, and who is told. */
import { ErmineError } from "@ermine/core";
import { loadChunk } from "@ermine/core/backend";
import type { Control } from "../callbacks/callback.js";
import { namedColumns } from "../data/columns.js";
import { Dataset } from "../data/dataset.js";
import { DeviceCache } from "../data/deviceCache.js";
import { Prefetcher } from "../data/prefetch.js";
import type { Column } from "../data/column.js";
import type { ColumnTypes, DataSource } from "../data/source.js";
import { checkWeighted } from "../metrics/metric.js";
import type { Directions, Logs } from "../monitor.js";
import { checkLogNames, checkMonitors, directionsOf, followers, validationName, type ToldLogs } from "../logs.js";
import type { FitRun, History } from "./fitOptions.js";
import { optimizersOf, type OptimizerSetup } from "../optimizers/groups.js";
import { meansOf, riskOf } from "../risk/means.js";
import { partsOf } from "../risk/objective.js";
import type { Schedule, Span } from "../schedules/schedule.js";
import type { Shadow } from "../plan/shadow.js";
import type { RunningTrainer } from "../callbacks/runningTrainer.js";
import { defineEvaluate, defineUpdate, runsOf, updateEntries } from "../step/entries.js";
import { loadMicroBatches } from "../step/loadMicroBatches.js";
import type { MicroBatchStep } from "../step/microBatches.js";
import { noticesOfTables } from "../step/rows.js";
import { admitsBatch, checkBatchSizes } from "../step/sizes.js";
import { UpdateStep } from "../step/step.js";
import { allOrNothing, type Training } from "../step/training.js";
import { noSums, type Sums } from "../step/state.js";
import type { Work } from "../step/turns.js";
import { batchCheck, checkData } from "./checkData.js";
import { Epoch, type EpochContext } from "./epoch.js";
import { evaluate } from "./evaluate.js";
import { Loader } from "./loader.js";
import { Ending } from "./ending.js";
import type { Resumed, SettingsOf } from "./resumed.js";
import { resumeChunk, Snapshots } from "./snapshots.js";
import { typesOfSource } from "./sources.js";

/**
 * @param work this call of `fit`
 * @param settings what snapshots say of it
 * @param trainer whose `fit` it is: what callbacks are given
 */
export async function fit<M extends string, T extends string>(
  training: Training,
  run: FitRun<M, T>,
  work: Work,
  settings: SettingsOf,
  trainer: RunningTrainer,
): Promise<History<Logs>> {
  const microBatches = await loadMicroBatches(training);
  const types = await typesOfSource(run.training, run.batchSize);
  const validationTypes = run.validation && (await typesOfSource(run.validation, run.batchSize));
  const resumed =
    run.resume === undefined
      ? undefined
      : await (await resumeChunk()).resuming(training, run as unknown as FitRun, types, settings);
  const better = await training.turns.take(async () => {
    work.check();
    if (resumed === undefined) {
      const span = spanOf(training, run as unknown as FitRun);
      const directions = prepare(training, run as unknown as FitRun, types, validationTypes, span);
      training.state.beginFit(span);
      return directions;
    }
    return resumed.restored(() => {
      const span = (training.state.span ??= spanOf(training, run as unknown as FitRun));
      noteOtherLength(training, run as unknown as FitRun);
      return prepare(training, run as unknown as FitRun, types, validationTypes, span);
    });
  });
  training.fitSettings = run.settings;
  const cache = cacheOf(training, run);
  const snapshots = new Snapshots(training, run.callbacks, () => settings({ run: run as unknown as FitRun, types }));
  const prepared = {
    better,
    types,
    cache,
    snapshots,
    resumed,
    trainer,
    microBatches: microBatches && new microBatches.MicroBatchStep(training),
  };
  try {
    if (run.shadow === undefined) return await loop(training, run, { ...prepared, shadow: undefined }, work);
    const { Shadow } = await loadChunk("The trainer's shadow run", () => import("../plan/index.js"));
    const shadow = await Shadow.open(training, run.shadow, run.notice);
    try {
      work.check();
      return { ...(await loop(training, run, { ...prepared, shadow }, work)), shadow: shadow.report };
    } finally {
      shadow.close();
    }
  } finally {
    cache?.release();
  }
}

/** The columns that the backend is to hold. One epoch takes each row once: then nothing is gained by a copy. */
function cacheOf({ engine }: Training, { epochs, training }: FitRun): DeviceCache | undefined {
  if (epochs === 1 || engine.program?.supportsRowGather !== true || !(training instanceof Dataset)) return undefined;
  return DeviceCache.of(
    engine.backend,
    namedColumns<Column>(training).map(([, column]) => column),
  );
}

/** State that `fit` prepares before its first step. */
interface Prepared {
  readonly better: Directions;
  readonly types: ColumnTypes;
  readonly cache: DeviceCache | undefined;
  readonly shadow: Shadow | undefined;
  readonly snapshots: Snapshots;
  readonly microBatches: MicroBatchStep | undefined;
  readonly resumed: Resumed | undefined;
  readonly trainer: RunningTrainer;
}

async function loop<M extends string, T extends string>(
  training: Training,
  run: FitRun<M, T>,
  { better, types, cache, shadow, snapshots, microBatches, resumed, trainer }: Prepared,
  work: Work,
): Promise<History<Logs>> {
  const { state, setup, accumulate } = training;
  const { batchSize, callbacks, dropLast, epochs } = run;
  const { history } = state;
  const depth = shadow === undefined ? depthOf(training) : 1;
  const isLate = training.engine.backend.readSync === undefined;
  // Where the report is read before the next batch is made, one batch is filled again and again.
  const retained = isLate ? depth + 1 : 0;
  const prefetcher = isLate ? new Prefetcher(accumulate * (retained + 1)) : undefined;
  const ending = new Ending(state, run.signal);
  const control: Control = {
    model: setup.model,
    trainer,
    stop: (reason = "stopped") => ending.stop(String(reason)),
    interrupt: (reason = "interrupted") => ending.interrupt(String(reason)),
    requestSnapshot: () => snapshots.request(),
    notice: (message) => run.notice(message),
  };
  snapshots.begin(control);
  const admits = admitsBatch(training, updateEntries(training));
  const loader = new Loader(run.training, {
    batchSize,
    dropLast,
    accumulate,
    retained,
    prefetcher,
    admits,
    skipped: ({ size, index }) =>
      run.notice(
        `ermine: batch ${index + 1} of the epoch has ${size} sample${size === 1 ? "" : "s"} and was left out: a layer cannot measure a variance over it.`,
      ),
  });
  const mayGoOn = (): boolean => {
    work.check();
    return !ending.isDue;
  };
  const context: EpochContext = {
    training,
    run: run as unknown as FitRun,
    work,
    step: new UpdateStep(training, { cache, microBatches, batches: Math.max(fewestFeeds, accumulate * (retained + 2)) }),
    checkBatch: batchCheck(training, run.training, types, "training"),
    loader,
    prefetcher,
    shadow,
    control,
    stepsPerEpoch: stepsPerEpochOf(run, accumulate),
    depth,
    mayGoOn,
    snapshots,
    hasOnBatch: callbacks.some(({ onBatch }) => onBatch !== undefined),
  };
  const { stepsPerEpoch } = context;
  resumed?.restoreCallbacks(control);
  for (const callback of callbacks)
    await callback.onTrainBegin?.(control, { epochs, stepsPerEpoch, better, resumed: resumed !== undefined });
  const first = history.epochs.length;
  for (let epoch = first; epoch < epochs && (await training.turns.free(mayGoOn)); epoch++) {
    // A callback may have frozen or thawed layers.
    if (epoch > first && state.hasOtherParameters) {
      allOrNothing(training, () => {
        defineUpdate(training, types);
        training.engine.prepare();
      });
    }
    const from = epoch === first && resumed !== undefined ? state.cursor : null;
    if (from === null) {
      state.cursor = null;
      state.sums = noSums();
      for (const callback of callbacks) {
        await callback.onEpochBegin?.({ epoch, epochs, step: state.update, learningRates: state.learningRates }, control);
        work.check();
      }
    }
    const started = performance.now();
    const samplesBefore = state.sums.samples;
    loader.open({ epoch: state.epoch, seed: run.shuffle ? setup.seed : undefined, from });
    await new Epoch(context, epoch).train();
    work.check();
    if (ending.isInterrupted) break;
    const ofUpdates = {
      ...state.loggedRates(),
      ...(setup.gradNorm === undefined ? {} : { gradNorm: state.sums.gradNorm / state.sums.steps }),
    };
    state.epoch++;
    state.cursor = null;
    const seconds = (performance.now() - started) / 1000;
    const logs = await logsOf(training, state.sums, ofUpdates, run, work);
    history.epochs.push(logs);
    observe(training, logs, better, run.notice);
    const samplesPerSecond = (state.sums.samples - samplesBefore) / seconds;
    const info = { epoch, epochs, step: state.update, samplesPerSecond, logs };
    for (const callback of callbacks) {
      await callback.onEpochEnd?.(info, control);
      work.check();
    }
    if (snapshots.isRequested && epoch + 1 < epochs && !ending.isDue) await snapshots.take();
  }
  await snapshots.takeLast();
  for (const callback of callbacks) await callback.onTrainEnd?.(control);
  work.check();
  return { ...history, ...(prefetcher === undefined ? {} : { loading: prefetcher.stats }), stopped: ending.reason ?? "finished" };
}

/** Updates that may be queued before the first report is read, so that as many runs wait as the backend takes, while one update ends and the next begins. */
const depthOf = (training: Training): number => 1 + Math.ceil((training.engine.runsInFlight - 1) / runsOf(training));

/** Batches whose feeds are made once, at least: a stream may fill some of them in turn. */
const fewestFeeds = 16;

/** Start and length of the `fit`. */
function spanOf({ state, accumulate }: Training, run: FitRun): Span {
  const stepsPerEpoch = stepsPerEpochOf(run, accumulate);
  const steps = stepsPerEpoch === undefined ? null : stepsPerEpoch * run.epochs;
  return { firstStep: state.update, firstEpoch: state.epoch, steps, epochs: run.epochs };
}

/** The schedules that take the length of the `fit`. */
const lengthTakers = (setup: OptimizerSetup): readonly Schedule[] =>
  [
    ...new Set(
      optimizersOf(setup).flatMap(({ rates }) => rates.filter((rate) => typeof rate === "object" && rate.takesLength === true)),
    ),
  ] as Schedule[];

/** @throws ErmineError ERMINE_OPTION where a schedule takes a length that is not known, or that it cannot have */
function checkLengths(setup: OptimizerSetup, { steps, epochs }: Span): void {
  for (const rate of lengthTakers(setup)) {
    const length = rate.per === "step" ? steps : epochs;
    if (length !== null) {
      rate.checkLength?.(length);
      continue;
    }
    throw new ErmineError(
      "ERMINE_OPTION",
      `fit: ${rate.name} takes the length of fit in steps, which is not known: these data are a stream of unknown length. State totalSteps, or let it count ` +
        `epochs: schedules.perEpoch(schedules.${rate.name}(…)).`,
    );
  }
}

function noteOtherLength({ state }: Training, { epochs, notice }: FitRun): void {
  const [rate] = lengthTakers(state.optimizer);
  if (rate === undefined || state.span === undefined || state.span.epochs === epochs) return;
  notice(
    `ermine: ${rate.name} takes the length of the fit that was begun, ${state.span.epochs} epochs, though this one resumes it with ${epochs}. For another length state totalSteps.`,
  );
}

function stepsPerEpochOf({ training: { length }, batchSize, dropLast }: FitRun, accumulate: number): number | undefined {
  if (length === undefined) return undefined;
  const batches = dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
  return Math.ceil(batches / accumulate);
}

/**
 * Makes the program and looks at the data, so that what cannot work is said before the first step, and leaves no trace.
 *
 * @returns which way each log gets better
 */
function prepare(
  training: Training,
  run: FitRun,
  types: ColumnTypes,
  validationTypes: ColumnTypes | undefined,
  span: Span,
): Directions {
  const { training: data, validation, batchSize, dropLast, callbacks, notice } = run;
  const better = allOrNothing(training, () => {
    const { engine, setup, metrics, state } = training;
    training.isInFlight = engine.runsInFlight > 1;
    defineUpdate(training, types);
    const { trainMetrics } = run;
    checkWeighted("fit's validation", metrics, validationTypes?.sampleWeights !== undefined);
    checkWeighted("fit: trainMetrics", metrics, trainMetrics && types.sampleWeights !== undefined);
    const evaluated = validationTypes && defineEvaluate(training, validationTypes, metrics.length > 0);
    if (trainMetrics) defineEvaluate(training, types, true);
    engine.prepare();
    if (data.length !== undefined)
      checkBatchSizes(training, updateEntries(training), "fit", { length: data.length, batchSize, dropLast });
    if (validation?.length !== undefined)
      checkBatchSizes(training, [evaluated!], "fit's validation", { length: validation.length, batchSize, dropLast: false });
    if (data instanceof Dataset) checkData(training, data, "training", updateEntries(training));
    if (validation instanceof Dataset) checkData(training, validation, "validation", [evaluated!]);
    checkLengths(state.optimizer, span);
    checkLogNames("fit", setup.loss, metrics, state.optimizer);
    const directions = directionsOf({ loss: setup.loss, metrics }, { validated: validation !== undefined, trainMetrics });
    checkMonitors([...callbacks, ...followers(state.optimizer)], directions);
    for (const rate of followers(state.optimizer)) rate.checkDirection?.(directions[rate.monitor]);
    return directions;
  });
  if (training.state.update === 0) {
    const { engine, state } = training;
    const graphs = updateEntries(training).map((entry) => engine.graph(entry));
    for (const text of noticesOfTables(graphs, state.groups)) notice(text);
  }
  return better;
}

async function logsOf(
  training: Training,
  sums: Sums,
  ofUpdates: Readonly<Record<string, number>>,
  run: Pick<FitRun, "training" | "validation" | "batchSize" | "validationWeights" | "trainMetrics">,
  work: Work,
): Promise<ToldLogs> {
  const parts = partsOf(training.setup.loss);
  const means = sums.parts.length > 0 ? sums.parts : parts.map(() => ({ value: 0, normalizer: 0 }));
  const logs: Record<string, number> = {
    loss: riskOf(parts, means) + (sums.steps > 0 ? sums.penalty / sums.steps : 0),
    ...meansOf(parts, means),
  };
  const { validation, batchSize, validationWeights: weights, trainMetrics } = run;
  const { metrics } = training;
  const valuesOf = async (data: DataSource): Promise<Record<string, number>> => {
    // Not while withAveragedWeights has others in place.
    await training.turns.free(() => true);
    return evaluate(training, { data, metrics, batchSize, weights, isChecked: true }, work);
  };
  if (trainMetrics) {
    const values = await valuesOf(run.training);
    for (const { name } of metrics) logs[name] = values[name]!;
  }
  if (validation !== undefined) {
    for (const [name, value] of Object.entries(await valuesOf(validation))) logs[validationName(name)] = value;
  }
  return Object.assign(logs, ofUpdates) as unknown as ToldLogs;
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
