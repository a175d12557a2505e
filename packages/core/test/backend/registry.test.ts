import { beforeEach, describe, expect, it } from "vitest";
import * as e from "../../src/index.js";
import type { BackendPlugin } from "../../src/index.js";
import { reference, referencePlugin } from "../../src/reference/index.js";

const plugin = (name: string, priority: number, probe: BackendPlugin["probe"]): BackendPlugin => ({
  name,
  contract: 1,
  priority,
  probe,
  create: async () => ({ ...reference(), name }),
});
const available = async () => ({ available: true as const, engine: "test" });

beforeEach(() => {
  e.registerBackend(referencePlugin);
  e.registerBackend(plugin("quick", 50, available));
  e.registerBackend(
    plugin("missing", 90, async () => ({ available: false, reason: "No library.", remedy: "Run the installer." })),
  );
  e.registerBackend(plugin("broken", 80, async () => Promise.reject(new Error("It fell over."))));
});

describe("the registry", () => {
  it("lists by priority, with what each probe says", async () => {
    const statuses = await e.probeBackends();
    expect(statuses.map((s) => [s.name, s.available])).toEqual([
      ["missing", false],
      ["broken", false],
      ["quick", true],
      ["reference", true],
    ]);
  });

  it("auto takes the available one of the highest priority", async () => {
    expect((await e.createBackend()).name).toBe("quick");
    expect((await e.createBackend("reference")).name).toBe("reference");
  });

  it("says why one is not available and what to do", async () => {
    await expect(e.createBackend("missing")).rejects.toThrow(/missing: No library\. Run the installer\./);
    await expect(e.createBackend("broken")).rejects.toThrow(/It fell over\./);
  });

  it("lists what there is for an unknown name, with the nearest", async () => {
    await expect(e.createBackend("referense")).rejects.toThrow(
      /Did you mean "reference"\? Registered: missing, broken, quick, reference/,
    );
  });

  it("refuses a plugin of another contract", () => {
    expect(() => e.registerBackend({ ...referencePlugin, contract: 3 as 1 })).toThrow(/contract 3.*speaks 1 and 2/);
  });
});
