import { describe, expect, it } from "vitest";
import { check } from "../src/install/check.js";
import { tfjs, type TfjsBackend } from "../src/index.js";
import { siteFor } from "../src/install/site.js";
import { locate } from "../src/native/locate.js";
import { describeNative } from "./native.js";

const run = async (create?: () => Promise<TfjsBackend>): Promise<{ agrees: boolean; report: string }> => {
  const lines: string[] = [];
  const site = siteFor(locate(), () => undefined);
  const agrees = await check(
    site,
    (line) => void lines.push(line),
    ({ ok, text }) => `${ok ? "ok" : "not ok"} ${text}`,
    create,
  );
  return { agrees, report: lines.join("\n") };
};

describeNative("ermine-tfjs check", () => {
  it("finds that this machine's TensorFlow computes what it should", async () => {
    const { agrees, report } = await run();
    expect(report).not.toContain("not ok");
    expect(agrees).toBe(true);
    expect(report).toMatch(/ermine computes on TensorFlow 2\.\d+\.\d+, (CPU|GPU)/);
    expect(report).toMatch(/training of a convolutional network: loss (\d\.\d+) → (\d\.\d+) in 20 steps/);
    expect(report).toMatch(/products of 1024 × 1024: \d+ GFLOPS/);
  });

  it("finds a kernel that gives wrong values, one that refuses, and goes on", async () => {
    const { agrees, report } = await run(async () => {
      const backend = await tfjs();
      const { tanh, sin, maxPool } = backend.kernels;
      expect([tanh, sin, maxPool].every((kernel) => typeof kernel === "function")).toBe(true);
      const kernels = {
        ...backend.kernels,
        tanh: sin!,
        maxPool: () => {
          throw new Error("no such kernel");
        },
      };
      return Object.defineProperty(backend, "kernels", { value: kernels });
    });
    expect(agrees).toBe(false);
    expect(report).toMatch(/not ok exponentials and activations: op by op \d\.\de[-+]\d/);
    expect(report).toMatch(/not ok pooling: .*no such kernel/);
    expect(report).toMatch(/\nok products: /);
    expect(report).toContain("please report the lines above");
  });
});

describe("without tfjs-node", () => {
  it("says what is missing, and computes nothing", async () => {
    const lines: string[] = [];
    const site = siteFor(undefined, () => undefined);
    expect(
      await check(
        site,
        (line) => void lines.push(line),
        ({ text, remedy }) => `${text} ${remedy ?? ""}`,
      ),
    ).toBe(false);
    expect(lines.at(-1)).toMatch(/@tensorflow\/tfjs-node is not installed.*npm install/);
  });
});
