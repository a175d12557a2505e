/** The command line: what is asked for, and what its exit status is. */
import { ErmineError } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import { Command, CommanderError, Option } from "commander";
import { loadConfiguration, secondsOf } from "./config/load.js";
import { version } from "./run/environment.js";
import { outputOf, type Output, type Streams } from "./run/output.js";

/** The flags of `ermine train` as commander gives them. */
interface TrainFlags {
  readonly target?: string;
  readonly config?: string;
  readonly task?: string;
  readonly columns?: string;
  readonly exclude?: string;
  readonly time?: string;
  readonly test?: string;
  readonly folds?: string;
  readonly epochs?: string;
  readonly timeLimit?: string;
  readonly batchSize?: string;
  readonly backend?: string;
  readonly seed?: string;
  readonly badRows?: string;
  readonly encoding?: string;
  readonly set: readonly string[];
  readonly out?: string;
  readonly resume?: string;
}

/** The flags of commands that read rows. */
interface ReadFlags {
  readonly json: boolean;
  readonly badRows: "error" | "skip";
  readonly encoding: string;
}

/** The flags of `ermine serve`. */
interface ServeFlags {
  readonly json: boolean;
  readonly host: string;
  readonly port: string;
  readonly maxBody: string;
  readonly timeout: string;
}

/** @throws ErmineError ERMINE_OPTION */
function wholeOf(option: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new ErmineError("ERMINE_OPTION", `${option} is a whole number of at most ${most}, got ${text}.`);
}

const collected = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** A number that an option has, or the text, which the schema then refuses by the option's path. */
const numeric = (text: string | undefined): number | string | undefined =>
  text === undefined || text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);

const listed = (text: string | undefined): readonly string[] | undefined => text?.split(",").map((name) => name.trim());

/** The commands. `ended` is told of each one's exit status. */
function programOf(streams: Streams, ended: (status: number) => void): Command {
  const program = new Command("ermine")
    .description("Trains networks on tables: from a CSV to a model, its predictions and a server.")
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => void streams.stdout.write(text),
      writeErr: (text) => void streams.stderr.write(text),
    });
  const json = new Option("--json", "one JSON object a line, for programs").default(false);
  const run = async (flags: { readonly json: boolean }, act: (output: Output) => Promise<number>): Promise<void> =>
    ended(await act(outputOf(streams, flags.json)));

  program
    .command("train")
    .summary("train on a table, and write a run folder")
    .description(
      "Trains a network on a table (CSV, TSV, JSON, JSON lines or Parquet) and writes a run folder: the model, its scores next to baselines, plots, checkpoints.",
    )
    .argument("[data]", "the table's file")
    .option("-t, --target <column>", "the column to learn")
    .option("-c, --config <file>", "a YAML or JSON configuration; options count before it")
    .addOption(
      new Option("--task <task>", "what is learned (default: the target says it)").choices([
        "auto",
        "regression",
        "binary",
        "classes",
      ]),
    )
    .option("--columns <names>", "the columns to learn from, with commas (default: all)")
    .option("--exclude <names>", "columns to leave out, with commas")
    .option("--time <column>", "test on the latest rows by this column (default: rows at random)")
    .option("--test <share>", "the share of rows to test on (default: 0.2)")
    .option("--folds <k>", "test on every row once, by k trainings, then train on all rows")
    .option("--epochs <n>", "most passes over the data (default: 300)")
    .option("--time-limit <time>", "train for at most this long: 90s, 5m, 1h")
    .option("--batch-size <n>", "rows of a step (default: by the number of rows)")
    .addOption(new Option("--backend <name>", "what it runs on (default: fastest)").choices(["fastest", "cpu", "tfjs"]))
    .option("--seed <n>", "of everything random (default: 0)")
    .addOption(new Option("--bad-rows <what>", "rows that do not fit (default: error)").choices(["error", "skip"]))
    .option("--encoding <name>", "of the file (default: utf-8)")
    .option("--set <path=value>", "another setting, as in --set optimizer.learningRate=0.01; may be repeated", collected, [])
    .option("-o, --out <folder>", "the run folder (default: the first of runs/<data>-1, -2, … that is free)")
    .option("--resume <folder>", "go on with a run that was ended")
    .addOption(json)
    .action((data: string | undefined, flags: TrainFlags & { readonly json: boolean }) =>
      run(flags, (output) => startTraining(data, flags, output)),
    );

  const reading = (command: Command): Command =>
    command
      .addOption(new Option("--bad-rows <what>", "rows that do not fit").choices(["error", "skip"]).default("error"))
      .option("--encoding <name>", "of the file", "utf-8")
      .addOption(json);

  reading(program.command("predict"))
    .summary("what a model says of the rows of a file")
    .argument("<model>", "the model's file, model.onnx of a run")
    .argument("<data>", "the rows' file")
    .option("-o, --out <file>", "where predictions go, .csv or .jsonl (default: standard output)")
    .action((model: string, data: string, flags: ReadFlags & { readonly out?: string }) =>
      run(flags, async (output) =>
        (await import("./commands/predict.js")).predict({ model, data, out: flags.out, read: flags }, output, streams),
      ),
    );

  reading(program.command("evaluate"))
    .summary("how good a model is on rows whose target is known")
    .argument("<model>", "the model's file, model.onnx of a run")
    .argument("<data>", "the rows' file")
    .action((model: string, data: string, flags: ReadFlags) =>
      run(flags, async (output) => (await import("./commands/evaluate.js")).evaluate({ model, data, read: flags }, output)),
    );

  program
    .command("info")
    .summary("what a model's file says of itself")
    .argument("<model>", "an ONNX file")
    .addOption(json)
    .action((model: string, flags: { readonly json: boolean }) =>
      run(flags, async (output) => (await import("./commands/info.js")).info(model, output)),
    );

  program
    .command("serve")
    .summary("answer rows over HTTP")
    .argument("<model>", "the model's file, model.onnx of a run")
    .option("--host <address>", "where it listens; loopback unless another is given", "127.0.0.1")
    .option("--port <n>", "0: one that is free", "8080")
    .option("--max-body <bytes>", "most bytes of a request", "1000000")
    .option("--timeout <time>", "most time that a request may take to come in", "30s")
    .addOption(json)
    .action((model: string, flags: ServeFlags) =>
      run(flags, async (output) =>
        (await import("./commands/serve.js")).serve(
          {
            model,
            host: flags.host,
            port: wholeOf("--port", flags.port, 65_535),
            maxBody: wholeOf("--max-body", flags.maxBody, 2 ** 30),
            timeout: secondsOf("--timeout", flags.timeout),
          },
          output,
        ),
      ),
    );

  program
    .command("backends")
    .summary("what trainings can run on here")
    .addOption(json)
    .action((flags: { readonly json: boolean }) =>
      run(flags, async (output) => (await import("./commands/backends.js")).backends(output)),
    );

  program
    .command("doctor")
    .summary("whether trainings can run here, and what to do where they cannot")
    .addOption(json)
    .action((flags: { readonly json: boolean }) =>
      run(flags, async (output) => (await import("./commands/doctor.js")).doctor(output)),
    );

  for (const command of program.commands) command.exitOverride().configureOutput(program.configureOutput());
  return program;
}

async function startTraining(data: string | undefined, flags: TrainFlags, output: Output): Promise<number> {
  const timeLimit = flags.timeLimit === undefined ? undefined : secondsOf("--time-limit", flags.timeLimit);
  const epochs = numeric(flags.epochs);
  if (flags.resume !== undefined) {
    const others = Object.entries({ ...flags, data, set: flags.set.length === 0 ? undefined : flags.set }).flatMap(
      ([name, value]) => (value === undefined || ["resume", "epochs", "timeLimit", "json"].includes(name) ? [] : [name]),
    );
    if (others.length > 0)
      throw new ErmineError(
        "ERMINE_OPTION",
        `--resume takes the settings of the run, and only --epochs and --time-limit may change; got ${others.join(", ")} too.`,
      );
    if (epochs !== undefined && !(typeof epochs === "number" && Number.isInteger(epochs) && epochs > 0))
      throw new ErmineError("ERMINE_OPTION", `--epochs is a whole number of at least 1, got ${flags.epochs}.`);
    const { resume } = await import("./commands/train.js");
    return resume({ folder: flags.resume, epochs, timeLimit }, output);
  }
  if (data === undefined && flags.config === undefined)
    throw new ErmineError("ERMINE_OPTION", "Give a table: ermine train data.csv --target price.");
  if (data !== undefined && flags.target === undefined && flags.config === undefined)
    throw new ErmineError("ERMINE_OPTION", `Say which column to learn: ermine train ${data} --target price.`);
  const configuration = await loadConfiguration({
    file: flags.config,
    options: {
      data,
      target: flags.target,
      task: flags.task,
      "columns.include": listed(flags.columns),
      "columns.exclude": listed(flags.exclude),
      badRows: flags.badRows,
      encoding: flags.encoding,
      "split.time": flags.time,
      "split.test": numeric(flags.test),
      "split.folds": numeric(flags.folds),
      "training.epochs": epochs,
      "training.timeLimit": timeLimit,
      "training.batchSize": numeric(flags.batchSize),
      backend: flags.backend,
      seed: numeric(flags.seed),
    },
    set: flags.set,
  });
  const { train } = await import("./commands/train.js");
  return train({ configuration, folder: flags.out }, output);
}

const canWrite = (stream: unknown): boolean => typeof (stream as { write?: unknown } | null | undefined)?.write === "function";

/** @throws ErmineError ERMINE_USAGE */
function checkCall(args: unknown, streams: unknown, received: ArrayLike<unknown>): void {
  checkArguments("ermine", received, 2);
  if (!Array.isArray(args) || !args.every((word) => typeof word === "string")) {
    throw new ErmineError(
      "ERMINE_USAGE",
      `ermine takes what stands after "ermine" on a command line as a list of strings, got ${show(args)}. Write ermine(["train", "data.csv"]).`,
    );
  }
  const { stdout, stderr } = (streams ?? {}) as Partial<Streams>;
  if (!canWrite(stdout) || !canWrite(stderr))
    throw new ErmineError("ERMINE_USAGE", `ermine: streams is { stdout, stderr } with a write(text) each, got ${show(streams)}.`);
}

/**
 * Runs a command as the command line does.
 *
 * @param args what stands after `ermine`
 * @param streams where it writes. Default: the process's
 * @returns the exit status: 0; 1 where data, files or a model are not as they must be; 2 where the command line or the configuration is not; 130 where it was interrupted
 * @throws ErmineError ERMINE_USAGE where `args` is no list of strings, or `streams` has nothing to write to
 * @example
 * const silent = { write: () => undefined };
 * await ermine(["train", "none.csv", "--target", "price"], { stdout: silent, stderr: silent }); // => 1
 */
export async function ermine(args: readonly string[], streams: Streams = process): Promise<number> {
  checkCall(args, streams, arguments);
  let status = 0;
  const program = programOf(streams, (ended) => (status = ended));
  try {
    await program.parseAsync(args.length === 0 ? ["--help"] : [...args], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof ErmineError)) throw error;
    const { code, message } = error;
    if (args.includes("--json")) streams.stdout.write(`${JSON.stringify({ event: "error", code, message })}\n`);
    streams.stderr.write(`error: ${message}\n`);
    return code === "ERMINE_OPTION" || code === "ERMINE_USAGE" ? 2 : 1;
  }
}
