/** Columns of texts: what they are taken for, what is learned of their words, and what becomes of them in a model's file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadModel } from "@ermine/onnx";
import { tablePreprocessingFrom } from "@ermine/preprocessing";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { TableModel } from "../src/model/tableModel.js";
import { asCsv, run, temporaryFolder, written, type Ran } from "./support.js";

const folder = temporaryFolder();
const at = (...parts: readonly string[]): string => join(folder, ...parts);

const good = ["wonderful", "tasty", "friendly", "excellent"];
const bad = ["awful", "stale", "rude", "broken"];
const others = ["the", "soup", "waiter", "was", "we", "came", "on", "Monday", "again", "table", "their", "and", "a", "menu"];

/** Reviews whose words say what they think, among words that say nothing. Now and then there is none. */
const reviews = Array.from({ length: 500 }, (_, i) => {
  const next = (k: number): number => Math.floor(Math.abs(Math.sin(i * 12.9898 + k * 78.233) * 43_758.5453)) % 1000;
  const isGood = next(0) % 2 === 0;
  const words = Array.from({ length: 6 + (next(1) % 8) }, (_word, k) => others[next(k + 2) % others.length]!);
  const opinion = isGood ? good : bad;
  words.splice(next(50) % words.length, 0, opinion[next(51) % 4]!, opinion[next(52) % 4]!.toUpperCase());
  return {
    review: i % 40 === 39 ? null : `${words.join(" ")}, no. ${i}!`,
    guests: next(53) % 6,
    verdict: isGood ? "good" : "bad",
  };
});

const flags = ["--backend", "cpu", "--set", "network.members=2", "--set", "network.hidden=[16]", "--json"];
let trained: Ran;
beforeAll(async () => {
  const path = written(folder, "reviews.csv", asCsv(reviews));
  trained = await run("train", path, "--target", "verdict", "--epochs", "40", ...flags, "--out", at("run"));
}, 120_000);

describe("a column of texts", { timeout: 60_000 }, () => {
  it("is recognised by its words, and learned from", () => {
    const { roles } = JSON.parse(readFileSync(at("run", "data.json"), "utf8")) as { roles: { features: unknown } };
    expect(roles.features).toEqual([
      { column: "review", kind: "text" },
      { column: "guests", kind: "number" },
    ]);
    const end = trained.events.at(-1) as unknown as {
      metrics: Record<string, number>;
      baseline: Record<string, Record<string, number>>;
    };
    expect(end.metrics["accuracy"]).toBeGreaterThan(0.95);
    expect(end.metrics["auc"]).toBeGreaterThanOrEqual(end.baseline["linear"]!["auc"]!);
    expect(end.baseline["majority"]!["accuracy"]).toBeLessThan(0.6);
  });

  it("is taken by predict and evaluate as it is, with words that training has not seen, or missing", async () => {
    const rows = [
      { review: "An utterly wonderful evening", guests: 2 },
      { review: "RUDE waiter, stale bread", guests: 2 },
      { review: null, guests: 2 },
      { review: "хорошо!", guests: 2 },
    ];
    const { events, status } = await run("predict", at("run", "model.onnx"), written(folder, "new.csv", asCsv(rows)), "--json");
    expect(status).toBe(0);
    expect(events.slice(0, 2).map(({ prediction }) => prediction)).toEqual(["good", "bad"]);
    expect(events.length).toBe(4);
    const { events: scored } = await run("evaluate", at("run", "model.onnx"), at("reviews.csv"), "--json");
    expect((scored.at(-1) as unknown as { metrics: Record<string, number> }).metrics["accuracy"]).toBeGreaterThan(0.95);
  });

  it("is the third input of the model's file, which onnxruntime answers alike", async () => {
    const model = await TableModel.load(at("run", "model.onnx"));
    const rows = reviews.slice(0, 50);
    const expected = await model.predict(rows);
    expect(model.columnKinds).toEqual({ review: "string", guests: "number" });
    const preprocessing = tablePreprocessingFrom(JSON.parse(JSON.stringify(model.preprocessing)));
    const session = await InferenceSession.create(at("run", "model.onnx"));
    const feeds = Object.entries(preprocessing.applyRows(rows)).map(([name, { data, shape, dtype }]) => [
      name,
      new Tensor(dtype, data as never, [...shape]),
    ]);
    const { output } = await session.run(Object.fromEntries(feeds) as Record<string, Tensor>);
    const logits = output!.data as Float32Array;
    for (let row = 0; row < rows.length; row++) {
      const probability = 1 / (1 + Math.exp(logits[2 * row]! - logits[2 * row + 1]!));
      expect(probability).toBeCloseTo(expected[2 * row + 1]!, 4);
    }
    model.dispose();
    await session.release();
  });

  it("is a category or left out where that is stated, and refused where it has no texts", async () => {
    const rows = reviews.map((row, i) => ({ ...row, name: `reviewer ${i}` }));
    const path = written(folder, "stated.csv", asCsv(rows));
    const first = (name: string, ...more: readonly string[]): Promise<Ran> =>
      run("train", path, "--target", "verdict", "--epochs", "1", ...flags, ...more, "--out", at(name));
    const { events } = await first("names", "--set", "columns.kinds.review=category");
    expect(events.find(({ event }) => event === "note")).toMatchObject({
      message: expect.stringMatching(/"name" is left out: 500 of its 500 texts.*=text/) as string,
    });
    expect((await first("words", "--set", "columns.kinds.name=text")).status).toBe(0);
    const numbers = await first("numbers", "--set", "columns.kinds.guests=text");
    expect([numbers.status, numbers.err]).toEqual([
      1,
      expect.stringMatching(/"guests" was stated to have texts, and it has other values/),
    ]);
  });

  it("has nothing to learn where it has no words: it is left out", async () => {
    const rows = reviews.map(({ guests, verdict }, i) => ({ review: `${"!".repeat(i + 1)} ? …`, guests, verdict }));
    const path = written(folder, "marks.csv", asCsv(rows));
    const { status } = await run(
      "train",
      path,
      "--target",
      "verdict",
      "--epochs",
      "1",
      ...flags,
      "--set",
      "columns.kinds.review=text",
      "--out",
      at("marks"),
    );
    expect(status).toBe(0);
  });
});

describe("info", { timeout: 60_000 }, () => {
  it("counts what is trained, and no quantiles' edges", async () => {
    const { events } = await run("info", at("run", "model.onnx"), "--json");
    const [, said] = /([\d,]+) parameters/.exec(readFileSync(at("run", "report.txt"), "utf8"))!;
    const { parameters } = events[0] as unknown as { readonly parameters: number };
    expect(parameters).toBe(Number(said!.replaceAll(",", "")));
    // The bins of "guests" have edges.
    expect(loadModel(readFileSync(at("run", "model.onnx"))).parameterCount()).toBeGreaterThan(parameters);
  });
});
