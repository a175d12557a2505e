import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
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
