/** A definition as it is written: in ermine as a function and as a module, and in PyTorch. */
import * as nn from "@ermine/core/nn";
import type { Values } from "./parameters.js";
import { scheduleProse } from "./scheduleProse.js";

/** What PyTorch calls options otherwise than in snake case. */
const torchNames: Readonly<Record<string, string>> = {
  lambda: "lambd",
  minValue: "min_val",
  maxValue: "max_val",
  sourceIsLog: "log_target",
};

/** Losses that PyTorch does not have. */
const notInTorch = new Set(["FocalLoss", "DiceLoss", "LogCoshLoss"]);

const snake = (name: string): string => torchNames[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const entriesOf = (values: Values): [string, string][] =>
  Object.entries(values).map(([name, value]) => [name, typeof value === "string" ? JSON.stringify(value) : String(value)]);

const inErmine = (values: Values): string => {
  const entries = entriesOf(values);
  return entries.length === 0 ? "" : `{ ${entries.map(([name, text]) => `${name}: ${text}`).join(", ")} }`;
};

const inTorch = (values: Values): string =>
  entriesOf(values)
    .map(([name, text]) => `${snake(name)}=${text === "true" ? "True" : text === "false" ? "False" : text}`)
    .join(", ");

/** The module of a definition, which has PyTorch's name: "hardSigmoid" is Hardsigmoid, "mse" is MSELoss. */
export function moduleName(definition: string, suffix = ""): string | undefined {
  const wanted = `${definition}${suffix}`.toLowerCase();
  return Object.keys(nn).find((name) => name.toLowerCase() === wanted && /^[A-Z]/.test(name));
}

/** How a definition is written, where it can be. */
export interface Code {
  readonly ermine: string;
  readonly torch: string | undefined;
}

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join(", ");

/** Of an activation of some name. `input` is "x", or "x, weight". */
export function activationCode(name: string, input: string, values: Values): Code {
  const options = inErmine(values);
  const module = moduleName(name);
  const lines = [`import { ${name} } from "@ermine/core";`, `${name}(${joined(input, options)});`];
  if (module !== undefined) lines.push("", `import { ${module} } from "@ermine/core/nn";`, `new ${module}(${options});`);
  return { ermine: lines.join("\n"), torch: module === undefined ? undefined : `torch.nn.${module}(${inTorch(values)})(x)` };
}

/** Of a loss with these inputs. */
export function lossCode(name: string, inputs: readonly string[], values: Values): Code {
  const options = inErmine(values);
  const module = moduleName(name, "Loss");
  const bound = options === "" ? name : `${name}.with(${options})`;
  const lines = [
    `import { ${name} } from "@ermine/core";`,
    `${name}(${joined(...inputs, options)});`,
    "",
    `new Trainer({ model, loss: ${bound}, optimizer, backend });`,
  ];
  const isInTorch = module !== undefined && !notInTorch.has(module);
  return {
    ermine: lines.join("\n"),
    torch: isInTorch ? `torch.nn.${module}(${inTorch(values)})(${inputs.join(", ")})` : undefined,
  };
}

/** PyTorch's optimizers; it has no lion and no lamb. */
const torchOptimizers = "SGD RMSprop Adam AdamW Adagrad Adadelta Adamax NAdam RAdam ASGD Rprop Adafactor Muon SparseAdam".split(
  " ",
);

/** Of an optimizer with a learning rate. */
export function optimizerCode(name: string, learningRate: number): Code {
  const torch = torchOptimizers.find((each) => each.toLowerCase() === name.toLowerCase());
  return {
    ermine: `import { ${name} } from "@ermine/trainer";\nconst optimizer = ${name}({ learningRate: ${learningRate} });`,
    torch: torch === undefined ? undefined : `torch.optim.${torch}(model.parameters(), lr=${learningRate})`,
  };
}

/** What PyTorch's schedules call ermine's options; undefined: an argument that they do not have. */
const torchScheduleNames: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  linear: { totalSteps: "total_iters" },
  constant: { totalSteps: "total_iters" },
  polynomial: { totalSteps: "total_iters" },
  cosine: { totalSteps: "T_max", minLearningRate: "eta_min" },
  cosineWarmRestarts: { firstCycleSteps: "T_0", cycleFactor: "T_mult", minLearningRate: "eta_min" },
  cyclic: { baseLearningRate: "base_lr", maxLearningRate: "max_lr" },
  reduceOnPlateau: { monitor: undefined },
};

const written = (value: unknown): string => (Array.isArray(value) ? `[${value.join(", ")}]` : JSON.stringify(value));

/** Of a schedule with a learning rate and options. */
export function scheduleCode(name: string, learningRate: number, options: Readonly<Record<string, unknown>>): Code {
  const { baseLearningRate = learningRate, ...others } = options;
  const inside = Object.entries(others).map(([key, value]) => `${key}: ${written(value)}`);
  const names = torchScheduleNames[name] ?? {};
  const bases = name === "oneCycle" ? { max_lr: learningRate } : name === "cyclic" ? { base_lr: baseLearningRate } : {};
  const torchArguments = [
    ...Object.entries(bases),
    ...Object.entries(others).flatMap(([key, value]) => {
      const torchName = key in names ? names[key] : snake(key);
      return torchName === undefined ? [] : [[torchName, value] as const];
    }),
  ].map(([key, value]) => `${key}=${written(value)}`);
  const { torch } = scheduleProse[name] ?? {};
  return {
    ermine:
      `import { adamw, schedules } from "@ermine/trainer";\n` +
      `const learningRate = schedules.${name}(${written(baseLearningRate)}, { ${inside.join(", ")} });\n` +
      "const optimizer = adamw({ learningRate });",
    torch:
      torch === undefined ? undefined : `torch.optim.lr_scheduler.${torch}(${joined("optimizer", torchArguments.join(", "))})`,
  };
}
