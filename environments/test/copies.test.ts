/** Several copies in one program: each works by itself; what crosses from one to the other is refused with the remedy. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, inject, it } from "vitest";
import { webpackBundle } from "../src/bundles.js";
import { runProgram, type ErrorReport } from "../src/project.js";

const project = inject("project");

/** A library that exports what programs use, for two copies of it to meet. */
const library = join(project, "library.mjs");
writeFileSync(
  library,
  `export * as core from "@ermine/core"; export * as nn from "@ermine/core/nn"; export { reference } from "@ermine/core/reference";
   export { cpu } from "@ermine/backend-cpu"; export * as trainer from "@ermine/trainer"; export { outcome } from "./train.mjs";`,
);

/** Hands what one copy made to the other wherever a trainer and a model take something; `here` and `other` are two libraries. */
const crossings = String.raw`
const model = (l) => new l.nn.Sequential(new l.nn.Linear(2, 1));
const data = (l) => l.trainer.dataset({ inputs: [[1, 2]], targets: [[1]] });
const sgd = (l) => l.trainer.sgd({ learningRate: 0.1 });
const options = (l) => ({ model: model(l), loss: l.core.mse, optimizer: sgd(l), backend: l.reference() });
const trainer = (change) => new here.trainer.Trainer({ ...options(here), ...change });
const fit = (change, set = data(here), more = {}) => trainer(change).fit(set, { epochs: 1, ...more });
const tensor = other.core.tensor([[1, 2]]);
const cases = {
  model: () => trainer({ model: model(other) }),
  "part of a model": () => fit({ model: new here.nn.Sequential(new here.nn.Linear(2, 1), Object.assign(new here.nn.ReLU(), { inner: model(other) })) }),
  loss: () => trainer({ loss: other.core.mse }),
  "loss of several": () => trainer({ loss: here.trainer.weightedSum([{ name: "a", loss: other.core.mse }]) }),
  "loss function": () => fit({ loss: () => other.core.tensor(1) }),
  "loss of another copy in a function": () => fit({ loss: (y, { targets }) => other.core.mse(y, targets) }),
  optimizer: () => trainer({ optimizer: sgd(other) }),
  "optimizer of a group": () => trainer({ optimizer: [{ parameters: () => true, optimizer: sgd(other) }] }),
  "optimizer of a wrapper": () => here.trainer.lookahead(sgd(other)),
  chain: () => trainer({ optimizer: other.trainer.chain(other.trainer.scaleByLearningRate(0.1)) }),
  backend: () => trainer({ backend: other.reference() }),
  "cpu backend": async () => trainer({ backend: await other.cpu() }),
  "data set": () => fit({}, data(other)),
  "validation": () => fit({}, data(here), { validation: data(other) }),
  "data set to predict": () => trainer({}).predict(data(other)),
  "column": () => here.trainer.dataset({ inputs: tensor, targets: [[1]] }),
  "column in a tree": () => here.trainer.dataset({ inputs: { a: tensor }, targets: [[1]] }),
  "shadow backend": () => fit({}, data(here), { shadow: { backend: other.reference() } }),
  "custom model's output": () => fit({ model: new Foreign() }),
};
class Foreign extends here.nn.Module {
  linear = new here.nn.Linear(2, 1);
  forward() {
    return other.core.zeros([1, 1]);
  }
}
const refusals = {};
for (const [name, run] of Object.entries(cases)) {
  refusals[name] = await Promise.resolve().then(run).then(() => "accepted", ({ name, code, message }) => ({ name, code, message }));
}
const outcomes = [await here.outcome(), await other.outcome()];
console.log(JSON.stringify({ refusals, same: JSON.stringify(outcomes[0]) === JSON.stringify(outcomes[1]), steps: outcomes[0].cpu.length }));
`;

interface Crossed {
  readonly refusals: Readonly<Record<string, ErrorReport | "accepted">>;
  readonly same: boolean;
  readonly steps: number;
}

async function cross(name: string, imports: string, versions: RegExp): Promise<void> {
  const program = join(project, `${name}.mjs`);
  writeFileSync(program, `${imports}\n${crossings}`);
  const { output, errors } = await runProgram(process.execPath, [program], { cwd: project });
  expect(errors).toBe("");
  const { refusals, same, steps } = JSON.parse(output) as Crossed;
  // Both train by themselves, to the same bits.
  expect({ same, steps }).toEqual({ same: true, steps: 100 });
  for (const [door, refusal] of Object.entries(refusals)) {
    expect(refusal, door).toMatchObject({ name: "ErmineError", code: "ERMINE_USAGE" });
    const { message } = refusal as ErrorReport;
    expect(message, door).toMatch(/was made by another copy of @ermine\/core/);
    expect(message, door).toMatch(versions);
    expect(message, door).toMatch(/npm dedupe/);
  }
  expect(Object.keys(refusals)).toHaveLength(19);
}

describe("two copies", () => {
  it("two independent bundles (esbuild, iife) in one page", async () => {
    const bundle = async (name: string): Promise<void> => {
      await build({
        entryPoints: [library],
        outfile: join(project, "out", `${name}.js`),
        bundle: true,
        format: "iife",
        globalName: name,
        logLevel: "silent",
      });
    };
    await Promise.all([bundle("first"), bundle("second")]);
    await cross(
      "bundles",
      `import { readFileSync } from "node:fs"; import { runInThisContext } from "node:vm";
       for (const name of ["first", "second"]) runInThisContext(readFileSync(\`out/\${name}.js\`, "utf8"));
       const [here, other] = runInThisContext("[first, second]");`,
      /both are 0\.1\.0/,
    );
  });

  it("two webpack bundles", async () => {
    const path = join(project, "out");
    for (const name of ["one", "two"]) {
      const output = { path, filename: `${name}.js`, library: { name, type: "var" } };
      expect(await webpackBundle(project, { mode: "development", entry: library, output })).toEqual([]);
    }
    await cross(
      "webpacks",
      `import { readFileSync } from "node:fs"; import { runInThisContext } from "node:vm";
       for (const name of ["one", "two"]) runInThisContext(readFileSync(\`out/\${name}.js\`, "utf8"));
       const [here, other] = runInThisContext("[one, two]");`,
      /both are 0\.1\.0/,
    );
  });

  it("two installed copies in one tree of dependencies", async () => {
    const nested = join(project, "nested");
    mkdirSync(nested);
    cpSync(join(project, "node_modules"), join(nested, "node_modules"), { recursive: true });
    for (const file of ["library.mjs", "train.mjs"]) cpSync(join(project, file), join(nested, file));
    await cross(
      "installed",
      `import * as here from "./library.mjs"; import * as other from "./nested/library.mjs";`,
      /both are 0\.1\.0/,
    );
  });
});
