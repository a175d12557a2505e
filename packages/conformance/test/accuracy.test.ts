import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  elu,
  gelu,
  logSigmoid,
  mish,
  sigmoid,
  silu,
  softsign,
  sum,
  tanh,
  tanhshrink,
  tensor,
  valueAndGrad,
  withBackend,
  type Tensor,
} from "@ermine/core";
import { reference } from "@ermine/core/reference";
import { accuracyFaults, accuracyRows, accuracyTable, measureAccuracy, meetsGoal, reasonFor } from "../src/index.js";

interface ExactValues {
  readonly points: readonly number[];
  readonly rows: Readonly<Record<string, { value: readonly number[]; slope: readonly (number | null)[] }>>;
}

const golden = new URL("../golden/accuracy/", import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, golden), "utf8"));
const exact = read("exact.json") as ExactValues;
const table = accuracyTable(read);

const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  sigmoid,
  logSigmoid,
  silu,
  mish,
  gelu,
  "gelu tanh": (x) => gelu(x, { approximate: "tanh" }),
  tanh,
  tanhshrink,
  softsign,
  elu,
};

describe("the float64 reference keeps its digits in the tails: mpmath's values", () => {
  const oracle = reference();
  it.each(Object.keys(functions))("%s", (name) => {
    const { value, slope } = exact.rows[name]!;
    const x = tensor(Float64Array.from(exact.points));
    const [y, g] = withBackend(oracle, () => {
      const differentiated = valueAndGrad((): [Tensor, Tensor] => {
        const result = functions[name]!(x);
        return [sum(result), result];
      }, [x]);
      return [differentiated.value[1].dataSync(), (differentiated.grads as readonly Tensor[])[0]!.dataSync()];
    });
    const close = (got: number, want: number | null | undefined, at: number, what: string): void => {
      // No float32 in the test is as small as that: the definitions may underflow.
      if (want === null || want === undefined || Math.abs(want) < 1e-60) return;
      expect(Math.abs(got / want - 1), `${what} at ${at}: ${got}, exactly ${want}`).toBeLessThan(1e-11);
    };
    exact.points.forEach((at, i) => {
      if (at === 0) return;
      close(y![i]!, value[i], at, "value");
      close(g![i]!, slope[i], at, "slope");
    });
  });
});

describe("the table", () => {
  it("has every row for every backend, and PyTorch's", () => {
    const names = accuracyRows.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(table.pytorch).sort()).toEqual([...names].sort());
    for (const rows of Object.values(table.ermine)) expect(Object.keys(rows).sort()).toEqual([...names].sort());
  });

  it("gives reasons for rows that are above the goal, and for no other", () => {
    for (const { backends, rows } of table.reasons) {
      for (const row of rows) {
        const above = backends.some((backend) =>
          (["forward", "gradient"] as const).some((pass) => {
            const name = row.endsWith(` ${pass}`) ? row.slice(0, -pass.length - 1) : row;
            const error = table.ermine[backend]?.[name]?.[pass];
            if (error === undefined || reasonFor(table, backend, name, pass) === undefined) return false;
            return !meetsGoal({ absolute: Number(error.absolute), ulp: Number(error.ulp) }, table.pytorch[name]![pass]);
          }),
        );
        expect(above, `${row} on ${backends.join()}`).toBe(true);
      }
    }
  });

  it("is broken by a value that is worse than it says, or above the goal without a reason", async () => {
    const row = accuracyRows.find(({ name }) => name === "dice")!;
    const backend = reference({ precision: "float32" });
    const measured = await measureAccuracy(row, backend);
    const rows = { dice: measured };
    const right = { pytorch: rows, ermine: { own: rows }, reasons: [] };
    expect(accuracyFaults(right, "own", "dice", measured)).toEqual([]);
    const { forward, gradient } = measured;
    expect(accuracyFaults(right, "own", "dice", { forward, gradient: { ...gradient, absolute: 2 * gradient.absolute } })).toEqual(
      [expect.stringContaining("dice gradient: "), expect.stringContaining("above the goal")],
    );
    const better = { dice: { forward, gradient: { absolute: gradient.absolute / 2, ulp: gradient.ulp } } };
    expect(accuracyFaults({ ...right, pytorch: better }, "own", "dice", measured)).toEqual([
      expect.stringContaining("no reason is given"),
    ]);
    const reasons = [{ backends: ["own"], rows: ["dice gradient"], reason: "so it is" }];
    expect(accuracyFaults({ ...right, pytorch: better, reasons }, "own", "dice", measured)).toEqual([]);
    expect(accuracyFaults(right, "other", "dice", measured)).toEqual(["dice is not in the table: pnpm accuracy"]);
  });

  it("wants ten bits where PyTorch has none", () => {
    const lost = { absolute: 1e-7, ulp: "Infinity" } as const;
    expect(meetsGoal({ absolute: 1e-8, ulp: 16000 }, lost)).toBe(true);
    expect(meetsGoal({ absolute: 1e-8, ulp: 20000 }, lost)).toBe(false);
    expect(meetsGoal({ absolute: 1e-8, ulp: 1.5 }, { absolute: 1e-8, ulp: 0.5 })).toBe(false);
  });
});
