import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const readme = read("../../README.md");

it.each([
  ["train.mjs", /The rings of .*: 0, 1, 2/],
  ["loop.mjs", /step 2000: loss 0\.00\d+/],
])("%s runs, and the README shows it as it is", async (name, output) => {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL(`../${name}`, import.meta.url))]);
  expect(stdout).toMatch(output);
  expect(readme).toContain(`\`\`\`js\n${read(`../${name}`)}\`\`\``);
});

it("custom.mjs runs, and prints what its comments say", async () => {
  const program = read("../custom.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL("../custom.mjs", import.meta.url))]);
  for (const [, comment] of program.matchAll(/console\.log\(.*\); \/\/ (.*)/g)) expect(stdout).toContain(comment!);
  expect(stdout).toMatch(/gradient: below 1e-6[\s\S]*squared hinge: \d\.\d\d, then below 0\.2/);
});

it("transfer.mjs loads what fits, freezes, thaws and answers what it has not seen", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL("../transfer.mjs", import.meta.url))]);
  expect(stdout).toMatch(/Loaded 4, fresh: classify\.weight, classify\.bias/);
  expect(stdout).toMatch(/encoder\.3 {2}Conv1d 8 → 16, 5 +\[N, 16, 16\] +656 {2}frozen/);
  expect(Number(/not seen: (\d\.\d\d)/.exec(stdout)?.[1])).toBeGreaterThan(0.9);
  expect(stdout).toContain("Features of three periods: 1 × 16");
});

const programs = (markdown: string): string[] => [...markdown.matchAll(/```js\n([\s\S]*?)```/g)].map(([, program]) => program!);

it.each([
  ["core", [/ERMINE_DOMAIN\n30/]],
  ["backend-cpu", [/1 thread\n3,3,3,3/]],
  ["trainer", [/(finished|earlyStopping).* with a mean loss of 0\.000/]],
] as const)("the programs in the README of %s run, and print what their comments say", async (name, outputs) => {
  const found = programs(read(`../../packages/${name}/README.md`));
  expect(found).toHaveLength(outputs.length);
  for (const [i, program] of found.entries()) {
    // Here, where the packages are to be found.
    const file = fileURLToPath(new URL(`../.readme-${name}-${i}.mjs`, import.meta.url));
    writeFileSync(file, program);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [file]);
      expect(stdout).toMatch(outputs[i]!);
      const promised = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, comment]) => comment!);
      for (const comment of promised) expect(stdout).toContain(comment);
    } finally {
      rmSync(file);
    }
  }
});
