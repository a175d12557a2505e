/** The glossary of CONTRIBUTING.md names files that there are, in alphabetical order. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("CONTRIBUTING.md", root), "utf8");
const [, section] = page.split("\n## Glossary\n");
const rows = section!
  .split("\n## ")[0]!
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| word"))
  .map((line) => line.slice(2, -2).split(" | "));

test("every word has a meaning and a file that there is", () => {
  expect(rows.length).toBeGreaterThan(30);
  for (const [word, meaning, where] of rows) {
    expect(meaning, word).toBeTruthy();
    const files = where!.split(", ").map((file) => file.slice(1, -1));
    expect(files.filter((file) => !file.startsWith("packages/") || !existsSync(new URL(file, root)))).toEqual([]);
  }
});

test("the words are in order", () => {
  const words = rows.map(([word]) => word!.toLowerCase());
  expect(words).toEqual([...words].sort((a, b) => a.localeCompare(b, "en")));
});
