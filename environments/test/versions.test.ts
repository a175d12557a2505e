/** What `changeset version` makes of the workspace: minor changesets give 0.2.0, then 0.3.0, and private packages have no versions. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../src/project.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(join(root, "package.json"));
const changeset = join(dirname(require.resolve("@changesets/cli/package.json")), "bin.js");

interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

describe("changeset version", () => {
  const workspace = mkdtempSync(join(tmpdir(), "ermine-versions-"));
  const folders = ["packages", "apps"]
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
    .concat("benchmarks", "examples", "environments");

  beforeAll(() => {
    for (const folder of folders) {
      mkdirSync(join(workspace, folder), { recursive: true });
      cpSync(join(root, folder, "package.json"), join(workspace, folder, "package.json"));
    }
    for (const file of ["package.json", "pnpm-workspace.yaml"]) cpSync(join(root, file), join(workspace, file));
    mkdirSync(join(workspace, ".changeset"));
    cpSync(join(root, ".changeset", "config.json"), join(workspace, ".changeset", "config.json"));
  });
  afterAll(() => rmSync(workspace, { recursive: true, force: true }));

  async function version(bumps: Readonly<Record<string, "minor" | "patch">>): Promise<void> {
    const lines = Object.entries(bumps).map(([name, bump]) => `"${name}": ${bump}`);
    writeFileSync(join(workspace, ".changeset", "change.md"), `---\n${lines.join("\n")}\n---\n\nA change.\n`);
    const { code, output, errors } = await runProgram(process.execPath, [changeset, "version"], { cwd: workspace });
    expect(code, `${output}${errors}`).toBe(0);
  }

  const published = (): Manifest[] =>
    folders.map((folder) => manifestOf(join(workspace, folder))).filter((m) => m.private !== true);
  const own = (): Manifest[] => folders.map((folder) => manifestOf(join(workspace, folder))).filter((m) => m.private === true);

  it.each([
    ["a minor change of core", { "@ermine/core": "minor" }, "0.2.0"],
    ["a minor change of a backend", { "@ermine/backend-cpu": "minor", "@ermine/trainer": "patch" }, "0.3.0"],
    ["a patch", { "@ermine/core": "patch" }, "0.3.1"],
  ] as const)("%s", async (_, bumps, expected) => {
    const before = own();
    await version(bumps);
    for (const { name, version: now, peerDependencies = {} } of published()) {
      expect(now, name).toBe(expected);
      if (name.startsWith("@ermine/backend-")) expect(peerDependencies["@ermine/core"]).toBe("workspace:>=0.1.0 <1.0.0");
    }
    expect(published()).toHaveLength(readdirSync(join(root, "packages")).length);
    expect(own()).toEqual(before);
  });
});
