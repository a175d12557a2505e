/** The Edge runtime of Vercel and Next.js: no MessageChannel, and a setImmediate that throws. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EdgeVM, type EdgeContext } from "@edge-runtime/vm";
import { build } from "esbuild";
import { describe, expect, inject, it } from "vitest";
import { comparable, runBundle, type Outcome } from "../src/project.js";

const project = inject("project");

/** As Next.js puts them into the runtime's context: Node's timers say that they are not supported there. */
function stubbed(context: EdgeContext): EdgeContext {
  for (const name of ["setImmediate", "clearImmediate"])
    Object.assign(context, {
      [name]: () => {
        throw new Error(`A Node.js API is used (${name}) which is not supported in the Edge Runtime.`);
      },
    });
  return context;
}

describe.each(["with", "without"] as const)("the Edge runtime %s Next.js' stubs", (stubs) => {
  it("trains on the reference backend to the bits of Node, and the cpu backend says why it cannot run", async () => {
    const outfile = join(project, "out", "edge", "bundle.js");
    await build({
      stdin: { contents: `export { outcome } from "./train.mjs";`, resolveDir: project },
      outfile,
      bundle: true,
      format: "iife",
      globalName: "program",
      logLevel: "silent",
    });
    const vm = new EdgeVM(stubs === "with" ? { extend: stubbed } : {});
    vm.evaluate(readFileSync(outfile, "utf8"));
    expect(vm.evaluate("typeof setImmediate")).toBe(stubs === "with" ? "function" : "undefined");
    const outcome = JSON.parse(await vm.evaluate<Promise<string>>("program.outcome().then(JSON.stringify)")) as Outcome;
    const expected = await runBundle(project, "import", join(project, "entry.mjs"));
    expect(comparable(outcome)).toEqual(comparable(expected));
    expect(outcome.cpu).toMatchObject({ name: "ErmineError", code: "ERMINE_UNSUPPORTED" });
    expect((outcome.cpu as { message: string }).message).toMatch(/no DecompressionStream.*@ermine\/core\/reference/);
  });
});
