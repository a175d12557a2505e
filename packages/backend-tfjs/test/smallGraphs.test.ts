import * as core from "@ermine/core";
import { traceEntry, type Graph } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { beforeAll, describe, expect, it } from "vitest";
import { smallGraphCheck } from "../src/compiled/smallGraphs.js";

const N = core.Dim.symbol("N");
const graphOf = (width: number): Graph =>
  traceEntry("entry", (trace) => core.sum(core.exp(trace.feed("x", { shape: [N, width], dtype: "float32", domain: "real" }))))
    .graph;

beforeAll(() => core.useBackend(reference()));

describe("a run is small", () => {
  it("by the sizes that it is fed, whatever came before", () => {
    const isSmall = smallGraphCheck(graphOf(1024));
    expect([256, 257, 1, 4000, 0].map((n) => isSmall({ N: n }))).toEqual([true, false, true, false, true]);
  });
  it("never, where a value of a size that is known is large", () => {
    const v = new core.Variable(core.zeros([1024, 257]));
    const { graph } = traceEntry("entry", () => core.sum(v.value));
    expect(smallGraphCheck(graph)({})).toBe(false);
  });
});
