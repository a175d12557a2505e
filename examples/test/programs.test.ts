/** Every program that README, docs and examples show is TypeScript, compiles under `strict`, runs, and prints what its comments say. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { checkPrograms } from "../../scripts/programs/check.mjs";
import { pages, programsOfPage } from "../../scripts/programs/pages.mjs";

type OfPage = ReturnType<typeof programsOfPage>[number];
type Program = Omit<OfPage, "mainThread"> & Partial<Pick<OfPage, "mainThread">>;
type Outcome = Awaited<ReturnType<typeof checkPrograms>>[number];

const examples = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string): string => readFileSync(join(examples, file), "utf8");
const ownFiles = readdirSync(examples).filter((file) => /\.[cm]?[jt]sx?$/.test(file));
const programs: Program[] = [
  ...ownFiles.map((file) => ({
    file: `examples/${file}`,
    line: 1,
    language: file.split(".").at(-1)!,
    setup: "",
    code: read(file),
  })),
  ...pages().flatMap((page) => programsOfPage(page)),
];
let outcomes: readonly Outcome[] = [];
beforeAll(async () => {
  outcomes = await checkPrograms(programs, join(examples, ".programs", "pages"));
}, 300_000);

const outcome = (name: string): Outcome => outcomes.find((one) => one.name === name)!;

describe("a program", () => {
  it.each(programs.map(({ file, line }) => `${file}:${line}`))("%s compiles, runs and prints what its comments say", (name) => {
    const { errors, missing, output } = outcome(name);
    expect(errors).toEqual([]);
    expect(missing, `printed:\n${output}`).toEqual([]);
  });

  it("is TypeScript", () => {
    expect(programs.filter(({ language }) => language !== "ts").map(({ file, line }) => `${file}:${line}`)).toEqual([]);
  });
});

it.each([
  ["train.ts", /The rings of .*: 0, 1, 2/],
  ["loop.ts", /step 2000: loss 0\.00\d+/],
])("the README shows %s as it is", (file, output) => {
  expect(readFileSync(join(examples, "..", "README.md"), "utf8")).toContain(`\`\`\`ts\n${read(file)}\`\`\``);
  expect(outcome(`examples/${file}:1`).output).toMatch(output);
});

it("custom.ts defines what trains", () => {
  expect(outcome("examples/custom.ts:1").output).toMatch(/gradient: below 1e-6[\s\S]*squared hinge: \d\.\d\d, then below 0\.2/);
});

it("transfer.ts loads what fits, freezes, thaws and answers what it has not seen", () => {
  const { output } = outcome("examples/transfer.ts:1");
  expect(output).toMatch(/Loaded 4, fresh: classify\.weight, classify\.bias/);
  expect(output).toMatch(/encoder\.3 {2}Conv1d 8 → 16, 5 +\[N, 16, 16\] +656 {2}frozen/);
  expect(Number(/not seen: (\d\.\d\d)/.exec(output)?.[1])).toBeGreaterThan(0.9);
  expect(output).toContain("Features of three periods: 1 × 16");
});

/** What each backend printed; tfjs is there where TensorFlow's library is. */
const byBackend = (output: string, line: RegExp): Record<string, number[]> =>
  Object.fromEntries([...output.matchAll(line)].map(([, backend, ...numbers]) => [backend, numbers.map(Number)]));

it("gan.ts draws from the distribution that it was shown, with two trainers and a compiled function over one pair of networks", () => {
  const { output } = outcome("examples/gan.ts:1");
  const drawn = byBackend(output, /^(\w+): mean (\d\.\d\d), standard deviation (\d\.\d\d)$/gm);
  expect(Object.keys(drawn)).toContain("cpu");
  for (const [mean, deviation] of Object.values(drawn)) {
    expect(Math.abs(mean! - 4)).toBeLessThan(0.4);
    expect(Math.abs(deviation! - 0.5)).toBeLessThan(0.25);
  }
});

it("together.ts evaluates with other metrics than the trainer's, and runs the model that is trained", () => {
  const { output } = outcome("examples/together.ts:1");
  const last = byBackend(output, /^(\w+), round 3: .*"accuracy":(0\.\d+),"topKAccuracy":([01][.\d]*).* with (\d\.\d\d)$/gm);
  expect(Object.keys(last)).toContain("cpu");
  for (const numbers of Object.values(last)) for (const n of numbers) expect(n).toBeGreaterThan(0.9);
  expect(output).toContain("away from ring 0: 0.1, 0.1");
});

it("the trainer's README reaches a mean loss of 0.000", () => {
  const { output } = outcomes.find(({ file }) => file === "packages/trainer/README.md")!;
  expect(output).toMatch(/(finished|earlyStopping).* with a mean loss of 0\.000/);
});

describe("the check itself", () => {
  const page = [
    "# Title",
    "<!-- setup\nconst hidden = 41;\n-->",
    "- in a list:\n\n  ```ts\n  console.log(hidden + 1); // 42\n  ```",
    "```js\nconst untyped = 1;\n```",
    "```sh\nls\n```",
    "    ```ts\n    an indented block is no program\n    ```",
  ].join("\n\n");

  it("finds blocks wherever Markdown has them, with their lines", () => {
    const found = programsOfPage(join(examples, "page.md"), page);
    expect(found.map(({ line, language, code }) => [line, language, code])).toEqual([
      [10, "ts", "console.log(hidden + 1); // 42"],
      [14, "js", "const untyped = 1;"],
    ]);
  });

  it("says the line of what does not compile, throws, is not printed, or is another value", async () => {
    const program = (code: string, setup = ""): Program => ({ file: "page.md", line: 10, language: "ts", setup, code });
    const results = await checkPrograms(
      [
        program("const a = 1;\nconst b: string = a;", "const c = 1;\nconst d = 2;"),
        program("const f = (x) => x;"),
        program('throw new Error("broken");'),
        program("console.log(1); // 2"),
        program("[1.26, NaN]; // => [ 1.3, NaN ]\n[1.26]; // => [1.25]"),
        program("console.log(1); // 1\n[0.1 + 0.2, 'x']; // => [0.3, \"x\"]"),
        program("process.exit(0);"),
      ],
      join(examples, ".programs", "planted"),
      { processes: 1 },
    );
    expect(results[0]!.errors[0]).toMatch(/^page\.md:11: error TS2322/);
    expect(results[1]!.errors[0]).toMatch(/^page\.md:10: error TS7006/);
    expect(results[2]!.errors[0]).toMatch(/broken/);
    expect(results[3]!.missing).toEqual(["2"]);
    expect(results[4]!.errors[0]).toMatch(/is \[ 1.26 \], and the comment says \[1.25\]/);
    expect([results[5]!.errors, results[5]!.missing]).toEqual([[], []]);
    expect(results[6]!.errors[0]).toMatch(/ended/);
  }, 60_000);
});
