/** The sample of ONNX's own node tests on cpu, fast and portable. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cpu } from "@ermine/backend-cpu";
import * as core from "@ermine/core";
import * as onnx from "@ermine/onnx";
import { caseRunner, casesOf, isSupported } from "../../scripts/onnx/case.mjs";

const cases = casesOf(readFileSync(new URL("../../packages/onnx/golden/nodes.json", import.meta.url), "utf8"));
const runCase = caseRunner(core, onnx);

describe.each(["fast", "portable"] as const)("ONNX's node tests on cpu, %s", (numerics) => {
  test("give what they must, and the others are refused", async () => {
    const backend = await cpu({ numerics });
    core.useBackend(backend);
    const wrong = cases.flatMap((nodeCase) => {
      const { result, message } = runCase(nodeCase);
      return result === (isSupported(nodeCase) ? "passed" : "refused") ? [] : [`${nodeCase.name}: ${result} ${message}`];
    });
    expect(wrong).toEqual([]);
  }, 60_000);
});
