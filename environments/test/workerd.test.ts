/** workerd, the engine of Cloudflare Workers: modules have no import.meta.url there, and WebAssembly cannot be compiled. */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { describe, expect, inject, it } from "vitest";
import { comparable, runBundle, runProgram, type Outcome } from "../src/project.js";

const project = inject("project");
const workerd = join(dirname(createRequire(import.meta.url).resolve("workerd/package.json")), "bin", "workerd");

const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ ( name = "main", worker = .main ) ],
);
const main :Workerd.Worker = (
  modules = [ ( name = "worker", esModule = embed "worker.js" ) ],
  compatibilityDate = "2024-09-01",
);
`;

describe("workerd", () => {
  it("trains on the reference backend, and the cpu backend says why it cannot run", async () => {
    const folder = join(project, "out", "workerd");
    await build({
      stdin: {
        contents: `import { outcome } from "./train.mjs";
          export default { async test() { console.log("outcome " + JSON.stringify(await outcome())); } };`,
        resolveDir: project,
      },
      outfile: join(folder, "worker.js"),
      bundle: true,
      format: "esm",
      logLevel: "error",
    });
    writeFileSync(join(folder, "config.capnp"), config);
    const ran = await runProgram(process.execPath, [workerd, "test", join(folder, "config.capnp")], { cwd: folder });
    const line = /outcome (\{.*\})/.exec(`${ran.output}${ran.errors}`)?.[1];
    expect(line, `${ran.output}${ran.errors}`).toBeDefined();
    const outcome = JSON.parse(line!) as Outcome;
    expect(comparable(outcome)).toEqual(comparable(await runBundle(project, "import", join(project, "entry.mjs"))));
    const { cpu } = outcome;
    expect(cpu).toMatchObject({ name: "ErmineError", code: "ERMINE_UNSUPPORTED" });
    expect((cpu as { message: string }).message).toMatch(
      /forbidden here \(.*embedder.*\).*Cloudflare Workers.*@ermine\/core\/reference/,
    );
  });
});
