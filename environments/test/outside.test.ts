/** A package of somebody else's: one file for each thing that it defines, written with what the published packages export and nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { runProgram } from "../src/project.js";

const folder = join(inject("project"), "outside");

interface Trained {
  readonly first: Readonly<Record<string, number>>;
  readonly last: Readonly<Record<string, number>>;
  readonly lowest: { readonly lowest: number; readonly improvements: number };
  readonly resumed: { readonly isSame: boolean; readonly state: object };
  readonly plan: string;
  readonly profile: string;
  readonly configuration: string;
  readonly refusals: Readonly<Record<"inMemory" | "asTheyArrive" | "monitor", Refusal>>;
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly steps: number;
}

interface Result extends Readonly<Record<"cpu" | "plain", Trained>> {
  readonly messages: Readonly<Record<string, string>>;
}

let result: Result;

beforeAll(async () => {
  const typescript = new URL(import.meta.resolve("typescript/package.json"));
  const compiled = await runProgram(process.execPath, [new URL("bin/tsc", typescript).pathname, "-p", "."], { cwd: folder });
  expect(compiled).toEqual({ code: 0, output: "", errors: "" });
  const { code, output, errors } = await runProgram(process.execPath, ["dist/train.js"], { cwd: folder });
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  result = JSON.parse(output) as Result;
});

describe.each(["cpu", "plain"] as const)("a package outside of the repository, on %s", (backend) => {
  it("trains what it defines, and its metric says that higher is better", () => {
    const { first, last, lowest } = result[backend];
    expect(last["loss"]!).toBeLessThan(0.25 * first["loss"]!);
    expect(last["valMarginRate"]!).toBeGreaterThan(0.7);
    expect(lowest).toEqual({ lowest: last["loss"], improvements: 12 });
  });

  it("goes on from a snapshot with the state of its callback, bit for bit", () => {
    const { lowest, resumed } = result[backend];
    expect(resumed).toEqual({ isSame: true, state: lowest });
  });

  it("is refused labels that its loss does not take: those in memory before the first step, those of its source before a step uses them", () => {
    const code = "ERMINE_VALUE";
    expect(result[backend].refusals).toEqual({
      monitor: expect.anything() as unknown,
      inMemory: { code, message: "rankHinge (training set): labels 40 is 0, and labels are -1 or 1. Write -1 for 0.", steps: 0 },
      asTheyArrive: {
        code,
        message: "rankHinge (training set, batch 3): labels 8 is 0, and labels are -1 or 1. Write -1 for 0.",
        steps: 2,
      },
    });
  });

  it("is refused a callback that follows what nothing logs, before the first step", () => {
    const { monitor } = result[backend].refusals;
    expect(monitor.steps).toBe(0);
    expect(monitor.message).toMatch(/marginRat\b/);
  });

  it("is in the plan, the profile and the configuration by its names", () => {
    const { plan, profile, configuration } = result[backend];
    expect(plan).toMatch(/^lisht {2,}1 {2}1 +tanh, mul$/m);
    expect(plan).toMatch(/^signMomentumUpdate {2,}5 /m);
    expect(plan).toContain(`Backend: ${backend} (`);
    if (backend === "cpu") {
      // The op has its own kernel, in the layer's row.
      expect(plan).not.toContain("swapHalves");
      expect(profile).toMatch(/^swapHalves {2,}2 {2,}2 /m);
    } else expect(plan).toMatch(/^swapHalves {2,}2 {2}2 +slice, slice, concat$/m);
    const { loss, optimizers, metrics } = JSON.parse(configuration) as Record<string, unknown>;
    expect(loss).toMatchObject({ name: "rankHinge" });
    expect(optimizers).toMatchObject([{ name: "signMomentum", options: { momentum: 0.9 } }]);
    expect(metrics).toEqual(["marginRate"]);
  });
});

it("agrees between cpu and its own backend", () => {
  expect(result.plain.last["loss"]).toBeCloseTo(result.cpu.last["loss"]!, 5);
});

it("is named by messages", () => {
  expect(result.messages).toEqual({
    activation: 'lisht has no option "slope". It has: none.',
    loss: "rankHinge expects logits or plain numbers as its scores, got probabilities.",
    optimizer: "signMomentum: learningRate is a number ≥ 0 or a schedule, got -1.",
    option: 'signMomentum has no option "momentun". Did you mean "momentum"?',
    op: "swapHalves takes rows of an even width.",
    layer: expect.stringMatching(/^1 \(CrossGain\): mul: the shapes \[3, 6\] and \[4\] do not broadcast/) as string,
  });
});

it("has a file for each definition, which asks for public entries alone", () => {
  const names = ["activation", "loss", "metric", "optimizer", "layer", "callback", "source", "op", "backend"];
  for (const name of names) {
    const from = [...readFileSync(join(folder, `${name}.ts`), "utf8").matchAll(/ from "([^"]+)";/g)].map(([, path]) => path!);
    const allowed = /^(@ermine\/(core(\/(define|backend|nn))?|trainer|backend-cpu)|\.\/op\.js)$/;
    expect(from.filter((path) => !allowed.test(path))).toEqual([]);
  }
});
