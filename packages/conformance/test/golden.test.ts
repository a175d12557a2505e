import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Backend } from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { goldenKinds, runGolden, type GoldenFile, type Outcome } from "../src/index.js";

const folder = new URL("../golden/", import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as GoldenFile);
const filesOf = (kind: string): GoldenFile[] => files.filter((file) => file.kind === kind);
const failures = (outcomes: readonly Outcome[]) => outcomes.filter((outcome) => outcome.status === "failed");

const backends: Readonly<Record<string, () => Backend>> = {
  "in double precision": () => reference(),
  "that stores float32 only and answers late": () =>
    reference({ precision: "float32", dtypes: ["float32"], late: true, without: ["randomUniform"] }),
};

describe.each(Object.entries(backends))("a backend %s meets the golden values, eager and compiled", (_, create) => {
  it.each(goldenKinds.map(({ name }) => name))(
    "%s",
    async (kind) => {
      const backend = create();
      const outcomes = await runGolden({ backend, files: filesOf(kind) });
      // A bounded number of scalar constants stays on the backend: the second run finds them there.
      const { tensors } = backend.memory();
      await runGolden({ backend, files: filesOf(kind) });
      expect(failures(outcomes)).toEqual([]);
      expect(outcomes.filter(({ status }) => status === "passed").length).toBeGreaterThan(0);
      expect(backend.memory().tensors).toBe(tensors);
    },
    120_000,
  );
});

describe("a case", () => {
  const relu = filesOf("activations")
    .flatMap(({ cases }) => cases)
    .find(({ name }) => name === "relu")!;
  const run = async (changed: object): Promise<Outcome> => {
    const golden = { ...structuredClone(relu), ...changed };
    return (await runGolden({ backend: reference(), files: [{ schema: 1, kind: "activations", cases: [golden] }] }))[0]!;
  };

  it("fails where one gradient is off, and names it", async () => {
    const { expected } = structuredClone(relu) as unknown as { expected: { gradInput: { data: number[] } } };
    const truth = expected.gradInput.data[2]!;
    expected.gradInput.data[2] = truth + 0.5;
    expect(await run({ expected })).toMatchObject({
      status: "failed",
      mode: "eager",
      difference: { what: "gradInput", index: 2, expected: truth + 0.5, error: expect.closeTo(0.5, 5) },
    });
  });

  it("fails where NaN is expected and a number comes", async () => {
    const { expected } = structuredClone(relu) as unknown as { expected: { output: { data: unknown[] } } };
    expected.output.data[1] = "NaN";
    expect(await run({ expected })).toMatchObject({
      status: "failed",
      difference: { what: "output", index: 1, error: Infinity },
    });
  });

  it("fails where the shape is another", async () => {
    const { expected } = structuredClone(relu) as unknown as { expected: { output: { shape: number[] } } };
    expected.output.shape = [...expected.output.shape, 1];
    expect(await run({ expected })).toMatchObject({ status: "failed", difference: { what: "output" } });
  });

  it("is skipped by name where ermine has no such activation, or no such option", async () => {
    expect(await run({ name: "reluish" })).toMatchObject({ status: "skipped", reason: expect.stringContaining('"reluish"') });
    expect(await run({ options: { steepness: 2 } })).toMatchObject({
      status: "skipped",
      reason: expect.stringContaining('"steepness"'),
    });
  });

  it("of a module may have several inputs, in a list or by name, and masks as plain lists", async () => {
    const modules = files.filter(({ kind }) => kind === "modules").flatMap(({ cases }) => cases);
    const run = async (golden: object): Promise<Outcome> =>
      (await runGolden({ backend: reference(), files: [{ schema: 1, kind: "modules", cases: [golden as never] }] }))[0]!;
    const find = (name: string, argument: string) =>
      modules.find((one) => one.name === name && argument in ((one as { arguments?: object }).arguments ?? {})) as unknown as {
        input: object;
        arguments: Record<string, { shape: number[]; data: number[] }>;
        options: object;
        expected: { gradInput: { data: number[] }; gradArguments: Record<string, { data: number[] }> };
      };
    const { input, arguments: more, ...bilinear } = structuredClone(find("bilinear", "input2"));
    const { gradInput, gradArguments, ...expected } = bilinear.expected;
    const list = {
      ...bilinear,
      inputs: [input, more["input2"]],
      expected: { ...expected, gradInputs: [gradInput, gradArguments["input2"]] },
    };
    expect(await run(list)).toMatchObject({ status: "passed" });
    gradArguments["input2"]!.data[0]! += 1;
    expect(await run(list)).toMatchObject({ status: "failed", difference: { what: "gradArguments.input2" } });
    const masked = structuredClone(find("multiHeadAttention", "attnMask"));
    const { attnMask } = masked.arguments;
    const [rows, columns] = attnMask!.shape as [number, number];
    const lists = Array.from({ length: rows }, (_, i) => attnMask!.data.slice(i * columns, (i + 1) * columns).map(Boolean));
    delete masked.arguments["attnMask"];
    expect(await run({ ...masked, options: { ...masked.options, attnMask: lists } })).toMatchObject({ status: "passed" });
    lists[1] = lists[1]!.map(() => false);
    lists[0] = [true, ...lists[0]!.slice(1).map(() => false)];
    expect(await run({ ...masked, options: { ...masked.options, attnMask: lists } })).toMatchObject({ status: "failed" });
  });

  it("of another schema is refused", async () => {
    const other = { schema: 2, kind: "activations", cases: [] } as unknown as GoldenFile;
    await expect(runGolden({ backend: reference(), files: [other] })).rejects.toThrow(/schema 2/);
  });
});
