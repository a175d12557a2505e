/** A sample of ONNX's own node tests (PyPI's onnx 1.22.0): `pnpm onnx:nodes` runs all of them, `scripts/onnx/sample.mjs` makes the sample. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as core from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { caseRunner, casesOf, isSupported } from "../../../scripts/onnx/case.mjs";
import * as onnx from "../src/index.js";

beforeAll(async () => {
  core.useBackend(await reference());
});

const cases = casesOf(readFileSync(new URL("../golden/nodes.json", import.meta.url), "utf8"));
const runCase = caseRunner(core, onnx);

describe("ONNX's node tests:", () => {
  for (const nodeCase of cases) {
    test(nodeCase.name, () => {
      const { result, message } = runCase(nodeCase);
      if (isSupported(nodeCase)) return expect(`${result} ${message}`).toBe("passed ");
      expect(result).toBe("refused");
      expect(message).toMatch(/ERMINE_UNSUPPORTED|ERMINE_DATA The file does not say which/);
    });
  }
});
