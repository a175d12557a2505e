/** What a run folder holds, and how a run goes on. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tablePreprocessingFrom } from "@ermine/preprocessing";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { asCsv, run, shippedRows, temporaryFolder, written, type Event } from "./support.js";

const folder = temporaryFolder();
const penguins = written(folder, "penguins.csv", asCsv(shippedRows("penguins.json")));
const at = (...parts: readonly string[]): string => join(folder, ...parts);
const short = ["--backend", "cpu", "--set", "network.hidden=[8]", "--set", "network.members=2"];
const json = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

/** The JSON object that stands in a file after these bytes. */
function jsonAfter(path: string, start: string): unknown {
  const text = readFileSync(path, "latin1");
  const from = text.indexOf(start);
  for (let to = text.indexOf("}", from); to >= 0; to = text.indexOf("}", to + 1)) {
    try {
      return JSON.parse(Buffer.from(text.slice(from, to + 1), "latin1").toString("utf8"));
    } catch {
      // It ends later.
    }
  }
  throw new Error("There is none.");
}

describe("a run", { timeout: 120_000 }, () => {
  it("leaves its folder, a report and events", async () => {
    const out = at("runs", "whole");
    const {
      status,
      out: text,
      err,
    } = await run("train", penguins, "--target", "species", "--epochs", "4", ...short, "--out", out);
    expect([status, err]).toEqual([0, ""]);
    expect(readdirSync(out).sort()).toEqual([
      "checkpoints",
      "config.json",
      "data.json",
      "environment.json",
      "history.json",
      "metrics.json",
      "model.onnx",
      "plots",
      "report.txt",
    ]);
    expect(readdirSync(join(out, "plots")).sort()).toEqual(["confusion.svg", "loss.svg"]);
    expect(text).toContain(readFileSync(join(out, "report.txt"), "utf8").trim());
    expect(text).toMatch(/true ↓ {2}predicted → +Adelie +Chinstrap +Gentoo/);
    const metrics = json(join(out, "metrics.json"));
    expect(metrics).toMatchObject({ task: "classes", testedRows: 69, folds: null });
    expect(metrics["baseline"]).toHaveProperty("majority.accuracy");
  });

  it("says the end as one object, with folds as their mean", async () => {
    const out = at("runs", "folds");
    const { events } = await run(
      "train",
      penguins,
      "--target",
      "Species",
      "--epochs",
      "2",
      "--folds",
      "3",
      ...short,
      "--out",
      out,
      "--json",
    );
    const folds = events.filter(({ event }) => event === "fold") as (Event & { metrics: Record<string, number> })[];
    const end = events.at(-1) as Event & { metrics: Record<string, number> };
    expect(end).toMatchObject({ event: "end", task: "classes", folder: out, testedRows: 344 });
    expect(folds.length).toBe(3);
    // Each row counts the same, in whichever fold it was tested.
    const right = folds.map(({ metrics }, fold) => {
      const { target } = json(join(out, "folds", `${fold + 1}.json`)) as unknown as { readonly target: readonly number[] };
      return metrics["accuracy"]! * target.length;
    });
    expect(end.metrics["accuracy"]).toBeCloseTo(right.reduce((a, b) => a + b) / 344, 12);
  });

  it("goes on where it was ended, to the same model", async () => {
    const args = ["train", penguins, "--target", "Species", ...short];
    await run(...args, "--epochs", "3", "--out", at("runs", "part"));
    await run("train", "--resume", at("runs", "part"), "--epochs", "6");
    await run(...args, "--epochs", "6", "--out", at("runs", "once"));
    expect(readFileSync(at("runs", "part", "model.onnx")).equals(readFileSync(at("runs", "once", "model.onnx")))).toBe(true);
    expect(json(at("runs", "part", "history.json"))).toEqual(json(at("runs", "once", "history.json")));
  });

  it("does not go on with other data", async () => {
    const data = written(folder, "changing.csv", asCsv(shippedRows("penguins.json")));
    const out = at("runs", "changing");
    await run("train", data, "--target", "Species", "--epochs", "1", ...short, "--out", out);
    written(folder, "changing.csv", asCsv(shippedRows("penguins.json").slice(1)));
    const { status, err } = await run("train", "--resume", out);
    expect([status, err]).toEqual([1, expect.stringMatching(/is not what .* was trained on/)]);
  });

  it("ends in its time", async () => {
    const { status, events } = await run(
      "train",
      penguins,
      "--target",
      "Species",
      "--time-limit",
      "1s",
      "--set",
      "training.patience=100000",
      "--epochs",
      "100000",
      ...short,
      "--out",
      at("runs", "limited"),
      "--json",
    );
    expect(status).toBe(0);
    expect(events.at(-1)!.event).toBe("end");
    expect(readFileSync(at("runs", "limited", "report.txt"), "utf8")).toMatch(/ended after epoch \d+, at the time limit/);
  });

  it("writes nothing of the environment's variables", async () => {
    process.env["SOME_TOKEN"] = "secret-3f9a";
    const out = at("runs", "secret");
    await run("train", penguins, "--target", "Species", "--epochs", "1", ...short, "--out", out);
    for (const name of readdirSync(out, { recursive: true, encoding: "utf8" })) {
      if (!existsSync(join(out, name, "."))) expect(readFileSync(join(out, name), "latin1"), name).not.toContain("secret-3f9a");
    }
  });
});

describe("model.onnx", { timeout: 120_000 }, () => {
  it("answers in onnxruntime to what its own preprocessing makes of raw rows", async () => {
    const out = at("runs", "onnx");
    await run(
      "train",
      penguins,
      "--target",
      "Species",
      "--epochs",
      "12",
      "--set",
      "optimizer.learningRate=0.01",
      ...short,
      "--out",
      out,
    );
    const preprocessing = tablePreprocessingFrom(jsonAfter(join(out, "model.onnx"), '{"kind":"table"'));
    expect(preprocessing.columns).not.toContain("Species");
    const session = await InferenceSession.create(join(out, "model.onnx"));
    const rows = shippedRows("penguins.json");
    const inputs = preprocessing.applyRows(rows as never);
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape, dtype }]) => [name, new Tensor(dtype, data as never, shape as never)]),
    );
    const { output } = await session.run(feeds);
    const classes = preprocessing.outputs["output"]!.toJSON() as { readonly classes: readonly string[] };
    const logits = output!.data as Float32Array;
    const right = rows.filter((row, i) => {
      const [a, b, c] = logits.subarray(3 * i, 3 * i + 3);
      return classes.classes[[a, b, c].indexOf(Math.max(a!, b!, c!))] === row["Species"];
    });
    expect(right.length / rows.length).toBeGreaterThan(0.97);
  });
});
