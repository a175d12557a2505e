/** A definition as it is written: in ermine as a function and as a module, and in PyTorch. */
import * as nn from "@ermine/core/nn";
import type { Values } from "./parameters.js";

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
