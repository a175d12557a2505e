/** The command as it is published, in an empty folder. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../src/project.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), "ermine-command-")));
const modules = join(folder, "node_modules");

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}
const manifestOf = (path: string): Manifest => JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;

/** A package and what it depends on: ermine's from their tarballs, others as they are installed. @returns the places of those that were put there */
function install(name: string, from: string, tarballs: ReadonlyMap<string, string>, places: Map<string, string>): void {
  if (places.has(name)) return;
  const source = realpathSync(join(from, "node_modules", name));
  places.set(name, source);
  if (!tarballs.has(name)) cpSync(source, join(modules, name), { recursive: true, dereference: true });
  const above = tarballs.has(name) ? source : join(source, name.includes("/") ? "../../.." : "../..");
  for (const dependency of Object.keys(manifestOf(source).dependencies ?? {})) install(dependency, above, tarballs, places);
}

const bytesOf = (path: string): number =>
  statSync(path).isFile() ? statSync(path).size : readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);

describe("ermine, from its tarball in an empty folder", () => {
  beforeAll(async () => {
    const { packPackages } = (await import(new URL("../../scripts/pack.mjs", import.meta.url).href)) as {
      packPackages(destination: string): Promise<Map<string, string>>;
    };
    mkdirSync(join(folder, "tarballs"));
    const tarballs = await packPackages(join(folder, "tarballs"));
    const places = new Map([["@ermine/cli", join(root, "packages/cli")]]);
    for (const dependency of Object.keys(manifestOf(join(root, "packages/cli")).dependencies!))
      install(dependency, join(root, "packages/cli"), tarballs, places);
    for (const name of places.keys()) {
      const tarball = tarballs.get(name);
      if (tarball === undefined) continue;
      mkdirSync(join(modules, name), { recursive: true });
      await runProgram("tar", ["-xzf", tarball, "-C", join(modules, name), "--strip-components=1"], { cwd: folder });
    }
    const data = join(
      dirname(dirname(createRequire(join(root, "packages/cli/package.json")).resolve("vega-datasets"))),
      "data/penguins.json",
    );
    const rows = JSON.parse(readFileSync(data, "utf8")) as Record<string, unknown>[];
    const names = Object.keys(rows[0]!);
    const csv = [names, ...rows.map((row) => names.map((name) => row[name] ?? ""))].map((row) => row.join(",")).join("\n");
    writeFileSync(join(folder, "penguins.csv"), csv);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "project", private: true }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("trains on a table, and says how good that is", async () => {
    const command = join(modules, "@ermine/cli/dist/main.js");
    const { code, output, errors } = await runProgram(
      process.execPath,
      [command, "train", "penguins.csv", "--target", "species"],
      { cwd: folder },
    );
    expect([code, errors]).toEqual([0, ""]);
    expect(output).toMatch(/network +(1|0\.9)/);
    expect(existsSync(join(folder, "runs/penguins-1/model.onnx"))).toBe(true);
    expect(output).toMatch(/parameters, \d+\.\d s/);
  });

  it("is at most 20 MB with all that it needs", () => {
    expect(bytesOf(modules)).toBeLessThan(20e6);
  });
});
