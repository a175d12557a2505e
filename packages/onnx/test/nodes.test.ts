/** A sample of ONNX's own node tests (PyPI's onnx 1.22.0): `pnpm onnx:nodes` runs all of them, `scripts/onnx/sample.mjs` makes the sample. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as core from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { caseRunner, casesOf } from "../../../scripts/onnx/case.mjs";
import * as onnx from "../src/index.js";

beforeAll(async () => {
  core.useBackend(await reference());
});

/** Operators that ermine does not have, and a case of an operator set before 7: each says so. */
const missing: ReadonlySet<string> = new Set([
  "Bernoulli",
  "BitCast",
  "BitwiseAnd",
  "BitwiseNot",
  "BitwiseOr",
  "BitwiseXor",
  "DeformConv",
  "Det",
  "LinearAttention",
  "NonMaxSuppression",
  "RoiAlign",
  "Unique",
  "ai.onnx.preview.FlexAttention",
  "ai.onnx.preview.training.Adagrad",
  "ai.onnx.preview.training.Adam",
  "ai.onnx.preview.training.Momentum",
]);
const tooOld: ReadonlySet<string> = new Set(["test_not_2d", "test_not_3d", "test_not_4d"]);

const cases = casesOf(readFileSync(new URL("../golden/nodes.json", import.meta.url), "utf8"));
const runCase = caseRunner(core, onnx);

describe("ONNX's node tests:", () => {
  for (const nodeCase of cases) {
    test(nodeCase.name, () => {
      const { result, message } = runCase(nodeCase);
      const isExpanded = nodeCase.name.endsWith("_expanded") && nodeCase.op !== "Bernoulli";
      if ((!missing.has(nodeCase.op) || isExpanded) && !tooOld.has(nodeCase.name))
        return expect(`${result} ${message}`).toBe("passed ");
      expect(result).toBe("refused");
      expect(message).toMatch(/ERMINE_UNSUPPORTED|ERMINE_DATA The file does not say which/);
    });
  }
});
