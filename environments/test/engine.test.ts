/** Engines that lack WebAssembly, or the room for it: the error says why, and what to do works. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { runProgram, type Outcome, type Ran } from "../src/project.js";

const project = inject("project");
const program = join(project, "probe.mjs");

interface Probed {
  readonly probe: { readonly available: boolean; readonly reason?: string; readonly remedy?: string };
  readonly outcome: Outcome;
}

beforeAll(() => {
  writeFileSync(
    program,
    `import { cpuPlugin } from "@ermine/backend-cpu";
     import { outcome } from "./train.mjs";
     console.log(JSON.stringify({ probe: await cpuPlugin.probe(), outcome: await outcome() }));`,
  );
});

const parsed = ({ code, output, errors }: Ran): Probed => {
  expect(errors.includes("Error"), errors).toBe(false);
  expect(code).toBe(0);
  return JSON.parse(output) as Probed;
};
const node = async (...flags: string[]): Promise<Probed> =>
  parsed(await runProgram(process.execPath, [...flags, program], { cwd: project }));
/** Within that many kilobytes of address space. */
const limited = async (kilobytes: number, ...flags: string[]): Promise<Probed> => {
  const command = `ulimit -v ${kilobytes}; exec "$0" "$@"`;
  return parsed(await runProgram("bash", ["-c", command, process.execPath, ...flags, program], { cwd: project }));
};

describe("node --jitless", () => {
  it("says that there is no WebAssembly, and the reference backend trains", async () => {
    const { probe, outcome } = await node("--jitless");
    expect(probe.available).toBe(false);
    expect(probe.reason).toBe("This engine has no WebAssembly.");
    expect(probe.remedy).toMatch(/without --jitless.*@ermine\/core\/reference/);
    expect(outcome.cpu).toMatchObject({
      name: "ErmineError",
      code: "ERMINE_UNSUPPORTED",
      message: `${probe.reason} ${probe.remedy}`,
    });
    expect(outcome.reference).toHaveLength(100);
  });
});

describe.runIf(process.platform === "linux")("little address space", () => {
  it("says so", async () => {
    // The probe reserves none: it is the backend that says so, where it is made.
    const { probe, outcome } = await limited(4_000_000);
    expect(probe.available).toBe(true);
    expect(outcome.cpu).toMatchObject({ name: "ErmineError", code: "ERMINE_MEMORY" });
    expect((outcome.cpu as { message: string }).message).toMatch(
      /cannot reserve memory.*ulimit -v unlimited.*--disable-wasm-trap-handler/,
    );
    expect(outcome.reference).toHaveLength(100);
  });

  it("the flag that it names helps", async () => {
    const { probe, outcome } = await limited(4_000_000, "--disable-wasm-trap-handler");
    expect(probe.available).toBe(true);
    expect(outcome.cpu).toHaveLength(100);
  });
});
