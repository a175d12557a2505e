/** `ermine train`: from a table to a run folder. */
import { relative, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ErmineError } from "@ermine/core";
import type { Table } from "@ermine/data";
import { TargetClasses } from "@ermine/preprocessing";
import type { Callback } from "@ermine/trainer";
import { checkConfiguration, type Configuration } from "../config/schema.js";
import { environmentOf } from "../run/environment.js";
import { nextRunFolder, RunFolder } from "../run/folder.js";
import type { Output } from "../run/output.js";
import { inputsOfTable } from "../table/features.js";
import { digestOf, readTable } from "../table/readTable.js";
import { rolesOf, withTarget, type Roles } from "../table/roles.js";
import { fitTable, type FitContext, type FittedTable } from "../training/fitTable.js";
import { predict, predictLinearly } from "../training/predictions.js";
import type { Predictions } from "../training/probabilities.js";
import { ignorantPredictions, mainScore, meanScores, scoresOf, scoreTitles, type Scores } from "../training/scores.js";
import { splitsOf, type Split } from "../training/splits.js";
import { modelFile } from "../run/modelFile.js";
import { reportOf, type RunResult } from "../report/report.js";

/** What `train` is told besides its configuration. */
export interface TrainRequest {
  readonly configuration: Configuration;
  /** The run's folder; undefined: the first of runs/<data>-1, -2, … that is free. */
  readonly folder: string | undefined;
}

/** What `train --resume` is told: what may change of a run. */
export interface ResumeRequest {
  readonly folder: string;
  readonly epochs: number | undefined;
  readonly timeLimit: number | undefined;
}

/** Scores of one split, and what stands next to them. */
interface Tested {
  readonly metrics: Scores;
  readonly baseline: { readonly simple: Scores; readonly linear: Scores };
  readonly predictions: Predictions;
  readonly target: ArrayLike<number>;
}

/** What a run folder says of the data, so that a run that goes on is of the same. */
interface DataRecord {
  readonly sha256: string;
  readonly rows: number;
  readonly roles: Roles;
}

/** @returns the exit status: 0, or 130 where it was interrupted */
export async function train({ configuration, folder }: TrainRequest, output: Output): Promise<number> {
  const loaded = await load(configuration, output);
  const run = await RunFolder.create(folder ?? nextRunFolder(configuration.data));
  await run.writeJson("data.json", loaded.record);
  await run.writeJson("config.json", { ...configuration, data: resolve(configuration.data) });
  return perform(run, configuration, loaded, output);
}

/** Goes on with a run that was ended. @returns the exit status */
export async function resume({ folder, epochs, timeLimit }: ResumeRequest, output: Output): Promise<number> {
  const run = new RunFolder(folder);
  const kept = checkConfiguration(run.at("config.json"), await run.readJson("config.json"));
  const { training } = kept;
  const configuration: Configuration = {
    ...kept,
    training: { ...training, epochs: epochs ?? training.epochs, timeLimit: timeLimit ?? null },
  };
  const loaded = await load(configuration, output);
  const record = (await run.readJson("data.json")) as DataRecord;
  if (!isDeepStrictEqual(record, JSON.parse(JSON.stringify(loaded.record))))
    throw new ErmineError(
      "ERMINE_DATA",
      `${configuration.data} is not what ${folder} was trained on: it was changed meanwhile. Begin a new run with it.`,
    );
  return perform(run, configuration, loaded, output);
}

interface Loaded {
  readonly table: Table;
  readonly roles: Roles;
  readonly splits: readonly Split[];
  readonly record: DataRecord;
}

/** Reads and checks everything, before anything is written. */
async function load(configuration: Configuration, output: Output): Promise<Loaded> {
  const { data, target, task, columns, badRows, encoding, split } = configuration;
  const whole = await readTable(data, { badRows, encoding }, output.note);
  if (whole.skippedRows > 0) output.note(`${whole.skippedRows} rows of ${data} cannot be read, and are left out.`);
  const roles = rolesOf(
    whole,
    {
      target,
      task,
      include: columns.include ?? undefined,
      exclude: columns.exclude,
      kinds: columns.kinds,
      time: split.time ?? undefined,
    },
    output.note,
  );
  const table = withTarget(whole, roles.target);
  const splits = splitsOf(table, configuration, roles);
  return { table, roles, splits, record: { sha256: await digestOf(data), rows: table.length, roles } };
}

async function perform(
  run: RunFolder,
  configuration: Configuration,
  { table, roles, splits }: Loaded,
  output: Output,
): Promise<number> {
  const started = performance.now();
  const { timeLimit } = configuration.training;
  const isFolds = configuration.split.folds !== null;
  // Each training has its share of the time.
  const trainings = isFolds ? splits.length + 1 : 1;
  const deadlineOf = (training: number): number =>
    timeLimit === null ? Infinity : started + (timeLimit * 1000 * (training + 1)) / trainings;
  const counts = { rows: table.length, features: roles.features.length };
  output.event("start", { target: roles.target, task: roles.task, ...counts, folder: run.path });
  output.say(
    `${roles.task === "regression" ? "Regression" : roles.task === "binary" ? "Two classes" : "Classes"} of ${roles.target}: ` +
      `${counts.rows} rows, ${counts.features} columns. Folder: ${relative("", run.path) || "."}\n`,
  );
  const contextOf = (training: number, title: string, checkpoints: string | undefined): FitContext => ({
    configuration,
    roles,
    checkpoints,
    callbacks: [progress(title, output)],
    notice: output.note,
    deadline: deadlineOf(training),
  });

  const tested: Tested[] = [];
  for (const [fold, split] of isFolds ? splits.entries() : []) {
    const name = `folds/${fold + 1}.json`;
    const done = run.has(name) ? ((await run.readJson(name)) as Tested) : undefined;
    if (done !== undefined) {
      tested.push(done);
      continue;
    }
    const training = table.select(split.training);
    const fitted = await fitTable(training, contextOf(fold, `fold ${fold + 1}/${splits.length}`, undefined));
    const result = await test(fitted, training, table.select(split.test), roles);
    tested.push(result);
    await run.writeJson(name, { ...result, predictions: Array.from(result.predictions), target: Array.from(result.target) });
    const main = mainScore[roles.task];
    output.event("fold", { fold: fold + 1, metrics: result.metrics, baseline: baselineOf(roles, result.baseline) });
    output.say(
      `Fold ${fold + 1}/${splits.length}: ${scoreTitles[main]} ${result.metrics[main]!.toFixed(4)}, linear ${result.baseline.linear[main]!.toFixed(4)}`,
    );
  }

  const training = isFolds ? table : table.select(splits[0]!.training);
  const fitted = await fitTable(training, contextOf(trainings - 1, isFolds ? "all rows" : "training", run.at("checkpoints")));
  const { history } = fitted;
  output.progress("");
  if (history.stopped.startsWith("interrupted")) {
    output.event("interrupted", { folder: run.path, epochs: history.epochs.length });
    output.say(`Stopped in epoch ${history.epochs.length + 1}. Go on: ermine train --resume ${run.path}`);
    return 130;
  }
  if (!isFolds) tested.push(await test(fitted, training, table.select(splits[0]!.test), roles));
  const testedRows = tested.map(({ target }) => target.length);
  const result: RunResult = {
    roles,
    classes: fitted.features.target instanceof TargetClasses ? fitted.features.target.classes.map(String) : [],
    metrics: meanScores(
      tested.map(({ metrics }) => metrics),
      testedRows,
    ),
    baseline: {
      simple: meanScores(
        tested.map(({ baseline }) => baseline.simple),
        testedRows,
      ),
      linear: meanScores(
        tested.map(({ baseline }) => baseline.linear),
        testedRows,
      ),
    },
    predictions: Float64Array.from(tested.flatMap(({ predictions }) => Array.from(predictions))),
    target: tested.flatMap(({ target }) => Array.from(target)),
    testedRows: testedRows.reduce((a, b) => a + b, 0),
    folds: configuration.split.folds,
    history,
    parameters: fitted.network.parameterCount(),
    batchSize: fitted.batchSize,
    seconds: (performance.now() - started) / 1000,
  };
  const { text, files } = reportOf(result);
  await run.writeJson("environment.json", environmentOf(fitted.backend));
  await run.writeJson("history.json", history.epochs);
  for (const [name, content] of files) await run.write(name, content);
  await run.write("model.onnx", await modelFile(fitted, roles));
  const baseline = baselineOf(roles, result.baseline);
  const summary = { task: roles.task, metrics: result.metrics, baseline, testedRows: result.testedRows, folds: result.folds };
  await run.writeJson("metrics.json", { ...summary, seconds: result.seconds });
  output.say(`${text}\n\nModel: ${run.at("model.onnx")}`);
  output.event("end", { ...summary, seconds: result.seconds, folder: run.path });
  return 0;
}

/** The baselines by what they are. */
const baselineOf = ({ task }: Roles, { simple, linear }: Tested["baseline"]): Readonly<Record<string, Scores>> =>
  task === "regression" ? { mean: simple, linear } : { majority: simple, linear };

/** Scores of rows that the model has not seen. */
async function test(fitted: FittedTable, training: Table, rows: Table, { task, target }: Roles): Promise<Tested> {
  const { features } = fitted;
  const classes = features.target instanceof TargetClasses ? features.target : undefined;
  // A class that training has not seen cannot be learned; its rows are wrong answers, not errors.
  const truthOf = (table: Table): number[] =>
    Array.from(table.values(target) as ArrayLike<string | number | boolean>, (cell) =>
      classes === undefined ? Number(cell) : classes.classes.indexOf(cell),
    );
  const kept = truthOf(rows).flatMap((value, row) => (classes !== undefined && value < 0 ? [] : [row]));
  const judged = kept.length === rows.length ? rows : rows.select(kept);
  const truth = truthOf(judged);
  const inputs = inputsOfTable(features, judged);
  const predictions = await predict(fitted, inputs);
  const linear = await predictLinearly(fitted, inputs);
  const simple = ignorantPredictions(task, truthOf(training), truth.length, classes?.classes.length ?? 1);
  return {
    metrics: scoresOf(task, predictions, truth),
    baseline: { simple: scoresOf(task, simple, truth), linear: scoresOf(task, linear, truth) },
    predictions,
    target: truth,
  };
}

/** Tells of epochs. */
function progress(title: string, output: Output): Callback {
  let best = Infinity;
  let bestEpoch = 0;
  return {
    name: "progress",
    state: () => null,
    onEpochEnd({ epoch, epochs, logs, samplesPerSecond }) {
      const loss = logs["loss"]!;
      const valLoss = logs["valLoss"]!;
      if (valLoss < best) [best, bestEpoch] = [valLoss, epoch + 1];
      output.event("epoch", { title, epoch: epoch + 1, loss, valLoss, rowsPerSecond: Math.round(samplesPerSecond) });
      output.progress(
        `${title}: epoch ${epoch + 1} of at most ${epochs}  loss ${loss.toFixed(4)}  validation ${valLoss.toFixed(4)}  best in epoch ${bestEpoch}`,
      );
    },
  };
}
