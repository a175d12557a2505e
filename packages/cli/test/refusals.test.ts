/** Bad input: what is said, the exit status, and that nothing is written. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();
const lines = (header: string, row: (i: number) => string, count = 40): string =>
  [header, ...Array.from({ length: count }, (_, i) => row(i))].join("\n");
const good = lines("x,k,y", (i) => `${(i * 0.37) % 1},${i % 2 === 0 ? "a" : "b"},${i % 2 === 0 ? "yes" : "no"}`);
const file = (name: string, content: string | Uint8Array): string => written(folder, name, content);
const table = file("good.csv", good);
const yaml = (name: string, text: string): string => file(name, `data: ${table}\ntarget: y\n${text}`);
mkdirSync(join(folder, "folder.csv"));

describe("what cannot be trained on", () => {
  it.each<[string, number, readonly string[], RegExp]>([
    ["an empty file", 1, [file("empty.csv", ""), "-t", "y"], /is empty/],
    ["a header alone", 1, [file("header.csv", "x,y\n"), "-t", "y"], /no row that can be read/],
    ["a file that is not there", 1, [join(folder, "none.csv"), "-t", "y"], /There is no file/],
    ["a folder", 1, [join(folder, "folder.csv"), "-t", "y"], /is a folder/],
    ["a kind of file that is not read", 1, [file("table.xlsx", "PK"), "-t", "y"], /of a kind that is not read/],
    [
      "a target that is not there",
      1,
      [
        file(
          "t.csv",
          lines("price,x", (i) => `${i},${i}`),
        ),
        "-t",
        "pricee",
      ],
      /no column "pricee".*"price"/,
    ],
    [
      "one class",
      1,
      [
        file(
          "one.csv",
          lines("x,y", (i) => `${i * 0.3},a`),
        ),
        "-t",
        "y",
      ],
      /"a" in all 40 rows/,
    ],
    [
      "a target that is missing everywhere",
      1,
      [
        file(
          "missing.csv",
          lines("x,y", (i) => `${i * 0.3},`),
        ),
        "-t",
        "y",
      ],
      /missing in all 40 rows/,
    ],
    [
      "too few rows",
      1,
      [
        file(
          "few.csv",
          lines("x,y", (i) => `${i * 0.3},${i % 2}`, 6),
        ),
        "-t",
        "y",
      ],
      /Only 6 rows/,
    ],
    [
      "a target of identifiers",
      1,
      [
        file(
          "ids.csv",
          lines("x,y", (i) => `${i * 0.3},id ${i}`),
        ),
        "-t",
        "y",
      ],
      /40 different values in 40 rows/,
    ],
    [
      "no column to learn from",
      1,
      [
        file(
          "constant.csv",
          lines("x,y", (i) => `1,${i % 2}`),
        ),
        "-t",
        "y",
      ],
      /no column to learn "y" from/,
    ],
    ["texts as amounts", 1, [table, "-t", "y", "--task", "regression"], /texts, which are no amounts/],
    [
      "three classes as two",
      1,
      [
        file(
          "three.csv",
          lines("x,y", (i) => `${i * 0.3},${"abc"[i % 3]}`),
        ),
        "-t",
        "y",
        "--task",
        "binary",
      ],
      /has 3 different values/,
    ],
    [
      "a header that lies",
      1,
      [
        file(
          "lie.csv",
          lines("x,y,z", (i) => `${i},${i}`),
        ),
        "-t",
        "y",
      ],
      /row 1: it has 2 fields.*--bad-rows skip/,
    ],
    [
      "mixed encodings",
      1,
      [
        file(
          "mixed.csv",
          Buffer.from(
            lines("x,y", (i) => `${i},${i % 2 === 0 ? "é" : "e"}`),
            "latin1",
          ),
        ),
        "-t",
        "y",
      ],
      /--encoding windows-1252/,
    ],
    ["an encoding that there is not", 2, [table, "-t", "y", "--encoding", "klingon"], /no encoding "klingon"/],
    ["an open quote", 1, [file("quote.csv", `${good}\n1,"a,yes`), "-t", "y"], /row 41/],
    [
      "100,000 columns",
      1,
      [
        file(
          "wide.csv",
          lines([...Array(100_000).keys(), "y"].join(","), (i) => [...Array(100_000).fill(i), i % 2].join(","), 12),
        ),
        "-t",
        "y",
      ],
      /100000 columns next to the target.*--columns/,
    ],
    ["a time that is none", 1, [table, "-t", "y", "--time", "k"], /column "k" of times is "a" in row 1/],
    ["JSON that is none", 1, [file("bad.json", "{"), "-t", "y"], /is no JSON/],
    ["JSON without rows", 1, [file("object.json", '{"y": 1}'), "-t", "y"], /holds no rows/],
    ["rows that are none", 1, [file("numbers.json", "[1, 2]"), "-t", "y"], /row 0 is 1/],
    ["a line that is no JSON", 1, [file("bad.jsonl", '{"y": 1}\n{\n'), "-t", "y"], /row 2: it is no JSON.*--bad-rows skip/],
    ["no table", 2, [], /Give a table/],
    ["no target", 2, [table], /Say which column to learn/],
    ["an unknown option", 2, [table, "-t", "y", "--fold", "3"], /unknown option '--fold'/],
    ["a share beyond 1", 2, [table, "-t", "y", "--test", "1.5"], /split.test must be below 1, got 1.5/],
    ["folds that are no number", 2, [table, "-t", "y", "--folds", "many"], /split.folds must be a number, got "many"/],
    ["more folds than rows", 1, [table, "-t", "y", "--folds", "60"], /would be empty/],
    ["a time limit that is none", 2, [table, "-t", "y", "--time-limit", "soon"], /--time-limit is a time/],
    ["an unknown key", 2, ["-c", yaml("a.yaml", "optimiser: {}\n")], /unknown key optimiser. Did you mean optimizer/],
    [
      "another framework's key",
      2,
      ["-c", yaml("b.yaml", "optimizer: { lr: 1 }\n")],
      /optimizer.lr. Did you mean optimizer.learningRate/,
    ],
    ["a key at another place", 2, ["-c", yaml("c.yaml", "dropout: 0.1\n")], /unknown key dropout. Did you mean network.dropout/],
    ["a wrong type", 2, ["-c", yaml("d.yaml", "training: { epochs: many }\n")], /training.epochs must be a number, got "many"/],
    [
      "a value out of range",
      2,
      ["-c", yaml("e.yaml", "optimizer: { learningRate: -1 }\n")],
      /learningRate must be above 0, got -1/,
    ],
    ["a list in place of keys", 2, ["-c", file("f.yaml", "- a\n")], /must be keys and values/],
    ["YAML that is none", 2, ["-c", file("g.yaml", "a: [")], /is no YAML/],
    ["a configuration without data", 2, ["-c", file("h.yaml", "target: y\n")], /lacks data/],
    ["--set without a value", 2, [table, "-t", "y", "--set", "seed"], /--set takes path=value/],
    ["--set of a prototype", 2, [table, "-t", "y", "--set", "__proto__.x=1"], /There is no __proto__/],
    ["--set of a part of a number", 2, [table, "-t", "y", "--set", "seed=1", "--set", "seed.x=1"], /seed has no parts/],
    ["a run that is none", 1, ["--resume", folder], /is no folder of a run/],
    ["a setting that a run has", 2, ["--resume", folder, "--seed", "3"], /got seed too/],
  ])("%s", { timeout: 60_000 }, async (_, status, args, message) => {
    const out = join(folder, "runs");
    const isResumed = args.includes("--resume");
    const result = await run("train", ...args, ...(isResumed ? [] : ["--out", out]));
    expect(result.err).toMatch(message);
    expect(result.status).toBe(status);
    expect(result.err).not.toMatch(/TypeError|undefined/);
    expect(existsSync(out)).toBe(false);
  });

  it("is an event too, where events are asked for", async () => {
    const { events, status } = await run("train", join(folder, "none.csv"), "-t", "y", "--json");
    expect([status, events]).toEqual([
      1,
      [{ event: "error", code: "ERMINE_DATA", message: expect.stringMatching(/There is no file/) }],
    ]);
  });

  it("does not touch a run that is there", async () => {
    const out = join(folder, "taken");
    const args = [
      "train",
      table,
      "-t",
      "y",
      "--epochs",
      "1",
      "--set",
      "network.hidden=[4]",
      "--set",
      "network.members=1",
      "--backend",
      "cpu",
      "--out",
      out,
    ];
    expect((await run(...args)).status).toBe(0);
    const before = readdirSync(out);
    const { status, err } = await run(...args);
    expect([status, err]).toEqual([1, expect.stringMatching(/holds a run.*--resume/)]);
    expect(readdirSync(out)).toEqual(before);
  });
});

describe("what is noted", () => {
  it("columns that say nothing, and rows without a target", { timeout: 60_000 }, async () => {
    const rows = lines(
      "id,constant,empty,name,x,y",
      (i) => `${i},7,,name ${i},${(i * 0.37) % 1},${i % 7 === 0 ? "" : (i * 0.37) % 1}`,
    );
    const { events, status } = await run(
      "train",
      file("notes.csv", `\ufeff${rows}`),
      "-t",
      "y",
      "--epochs",
      "1",
      "--set",
      "network.hidden=[4]",
      "--backend",
      "cpu",
      "--out",
      join(folder, "notes"),
      "--json",
    );
    expect(status).toBe(0);
    const notes = events.filter(({ event }) => event === "note").map(({ message }) => message);
    expect(notes).toEqual([
      expect.stringMatching(/6 of 40 rows have no "y"/),
      expect.stringMatching(/"id" is left out: it counts the rows/),
      expect.stringMatching(/"constant" is left out: all of its values are 7/),
      expect.stringMatching(/"empty" is left out: all of its values are missing/),
      expect.stringMatching(/"name" is left out: 40 of its 40 texts are different/),
    ]);
  });
});
