#!/usr/bin/env node
/** The command line of the training app. */
import { ErmineError } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import { parseArgs } from "node:util";
import { showDefinitions, type DefinitionKind } from "./definitions.js";
import { runExperiments, type ExperimentsOptions } from "./experiments/runExperiments.js";
import { showBackends } from "./showBackends.js";
import { showProfile } from "./showProfile.js";
import { train, type TrainOptions } from "./train.js";
import { web, type WebOptions } from "./web/web.js";

const usage = `Usage: demo [train] [options]     train on 10,000 real digits
       demo web [options]        the pages: playground, gallery, digits, text and experiments, which run in the browser; digits can race against cpu and tfjs here
       demo experiments [options]   16 claims about activations and losses: what was measured, and whether they hold
       demo activations [name …] what there is, or the curves of those that are named; demo losses [name …] likewise
       demo backends [--model]   what there is to run on, and how long a step takes there

  --dataset digits        --model mlp|cnn          --backend cpu|tfjs|auto|fastest
  --hidden 128            --activation relu        --loss crossEntropy
  --optimizer adamw       --learning-rate 0.002    --weight-decay (the optimizer's)
  --epochs 12             --batch-size 64          --seed 0
  --numerics fast|portable    --json (one object a line)
  experiments: --seed 1   --seeds 1 (how many, from --seed on)   --json
  web: --port 0 (one that is free)   --open (in your browser)   --static DIR (written there, for any static host)
  --folder DIR   keeps the training there, and goes on from it: Ctrl+C saves after the step that runs, twice ends at once
  --profile [FILE]   in place of training: where a step's time goes; FILE is for chrome://tracing

  On cpu the demo asks for 256-bit vectors (Node 24 to 26) and relaxed SIMD (Node 20), which set flags of V8
  while the kernels are compiled: ERMINE_WIDE_VECTORS=0 and ERMINE_RELAXED_SIMD=0 leave them out`;

const options = {
  dataset: { type: "string", default: "digits" },
  model: { type: "string", default: "mlp" },
  backend: { type: "string", default: "cpu" },
  hidden: { type: "string", default: "128" },
  activation: { type: "string", default: "relu" },
  loss: { type: "string", default: "crossEntropy" },
  optimizer: { type: "string", default: "adamw" },
  "learning-rate": { type: "string", default: "0.002" },
  "weight-decay": { type: "string" },
  epochs: { type: "string", default: "12" },
  "batch-size": { type: "string", default: "64" },
  seed: { type: "string", default: "0" },
  numerics: { type: "string", default: "fast" },
  json: { type: "boolean", default: false },
  folder: { type: "string" },
  profile: { type: "boolean", default: false },
  seeds: { type: "string", default: "1" },
  port: { type: "string", default: "0" },
  open: { type: "boolean", default: false },
  static: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

const refuse = (message: string): never => {
  throw new ErmineError("ERMINE_OPTION", message);
};

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  const near = nearestName(value, allowed);
  return refuse(`--${name} is ${allowed.join(" or ")}, got "${value}".${near === undefined ? "" : ` Did you mean "${near}"?`}`);
}

function number(name: string, value: string, whole: boolean, least: number, most = Infinity): number {
  const parsed = Number(value);
  const within = value.trim() !== "" && Number.isFinite(parsed) && parsed >= least && parsed <= most;
  if (within && (!whole || Number.isInteger(parsed))) return parsed;
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  return refuse(`--${name} is a ${whole ? "whole number" : "number"} ${range}, got "${value}".`);
}

/** Commands that take names. */
const definitionKinds: readonly string[] = ["activations", "losses"] satisfies DefinitionKind[];

function parse(args: readonly string[]): {
  command: string;
  names: readonly string[];
  values: Record<string, string | boolean | undefined>;
} {
  for (const arg of args) {
    const name = arg.startsWith("--") ? arg.slice(2).split("=")[0]! : undefined;
    if (name === undefined || name === "" || name in options) continue;
    const near = nearestName(name, Object.keys(options), {
      lr: "learning-rate",
      learningRate: "learning-rate",
      batchSize: "batch-size",
      batch: "batch-size",
    });
    refuse(`There is no option --${name}.${near === undefined ? "" : ` Did you mean --${near}?`}`);
  }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    // A name after --profile is its file.
    const at = args.indexOf("--profile") + 1;
    const file = at > 0 && args[at]?.startsWith("--") === false ? args[at] : undefined;
    const commandNames = positionals.filter((name) => name !== file);
    if (commandNames.length > 1 && !definitionKinds.includes(commandNames[0]!))
      refuse(`There is nothing to do with "${commandNames[1]}". Options start with --.`);
    return { command: commandNames[0] ?? "train", names: commandNames.slice(1), values: { ...values, profileFile: file } };
  } catch (error) {
    if (error instanceof ErmineError) throw error;
    return refuse((error as Error).message);
  }
}

function trainOptions(values: Record<string, string | boolean | undefined>): TrainOptions {
  const text = (name: string): string => values[name] as string;
  const decay = values["weight-decay"] as string | undefined;
  return {
    dataset: oneOf("dataset", text("dataset"), ["digits"]),
    model: oneOf("model", text("model"), ["mlp", "cnn"]),
    backend: text("backend"),
    hidden: number("hidden", text("hidden"), true, 1, 100_000),
    activation: text("activation"),
    loss: text("loss"),
    optimizer: text("optimizer"),
    learningRate: number("learning-rate", text("learning-rate"), false, 0),
    weightDecay: decay === undefined ? undefined : number("weight-decay", decay, false, 0),
    epochs: number("epochs", text("epochs"), true, 1),
    batchSize: number("batch-size", text("batch-size"), true, 1),
    seed: number("seed", text("seed"), true, 0),
    numerics: oneOf("numerics", text("numerics"), ["fast", "portable"]),
    json: values["json"] === true,
    profile: values["profile"] === true,
    folder: values["folder"] as string | undefined,
    profileFile: values["profileFile"] as string | undefined,
  };
}

const experimentsOptions = (values: Record<string, string | boolean | undefined>): ExperimentsOptions => ({
  seed: values["seed"] === options.seed.default ? 1 : number("seed", values["seed"] as string, true, 0),
  seeds: number("seeds", values["seeds"] as string, true, 1, 1000),
  json: values["json"] === true,
});

function webOptions(values: Record<string, string | boolean | undefined>): WebOptions {
  return {
    port: number("port", values["port"] as string, true, 0, 65_535),
    open: values["open"] === true,
    static: values["static"] as string | undefined,
  };
}

async function main(): Promise<void> {
  const { command, names, values } = parse(process.argv.slice(2));
  if (values["help"] === true) console.log(usage);
  else if (command === "train" && values["profile"] === true)
    await showProfile(trainOptions(values), (text) => console.log(text));
  else if (command === "train") await train(trainOptions(values), (text) => console.log(text));
  else if (command === "experiments") {
    if (!(await runExperiments(experimentsOptions(values), (text) => console.log(text)))) process.exitCode = 1;
  } else if (command === "web") await web(webOptions(values), (text) => console.log(text));
  else if (command === "backends") await showBackends(trainOptions(values), (text) => console.log(text));
  else if (definitionKinds.includes(command))
    showDefinitions(command as DefinitionKind, { names, json: values["json"] === true }, (text) => console.log(text));
  else refuse(`There is no command "${command}".\n${usage}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ErmineError)) throw error;
  console.error(error.message);
  process.exitCode = error.code === "ERMINE_OPTION" || error.code === "ERMINE_BACKEND" ? 2 : 1;
}
