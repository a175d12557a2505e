/** Every example of a docstring compiles under `strict`, runs, and its results are what its comments say. */
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { checkPrograms } from "../../scripts/programs/check.mjs";
import { docstringPrograms } from "../../scripts/programs/docstrings.mjs";

const folder = fileURLToPath(new URL("../.programs/docstrings", import.meta.url));
const prelude = fileURLToPath(new URL("../../scripts/programs/prelude.mjs", import.meta.url));
const programs = docstringPrograms();
let outcomes: Awaited<ReturnType<typeof checkPrograms>> = [];
beforeAll(async () => {
  outcomes = await checkPrograms(programs, folder, { together: true, prelude });
}, 300_000);

describe("an example", () => {
  it.each(programs.map(({ file, line, name }, i) => [`${file}:${line}`, name, i] as const))("%s (%s) is true", (_, __, i) => {
    const { errors, missing, output } = outcomes[i]!;
    expect(errors).toEqual([]);
    expect(missing, `printed:\n${output}`).toEqual([]);
  });
});
