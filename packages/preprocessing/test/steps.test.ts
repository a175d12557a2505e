import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  columns,
  columnsFrom,
  dates,
  embeddingIds,
  impute,
  log,
  minMax,
  oneHot,
  ordinal,
  robust,
  standardize,
  targetClasses,
  targetClassesFrom,
  type Cell,
  type ColumnSteps,
} from "../src/index.js";
import { refusal } from "./refusal.js";

// A spread of 1e-300 would be beyond float32, which is an error.
const number = fc.integer({ min: -8e6, max: 8e6 }).map((n) => n / 8);
const text = fc.constantFrom("a", "b", "c", "é", "");

describe("any table", () => {
  const numeric = fc.constantFrom<readonly [string, ColumnSteps[string]]>(
    ["standardize", standardize()],
    ["minMax", minMax({ low: -1 })],
    ["robust", robust()],
    ["impute, standardize", [impute(), standardize()]],
    ["impute, minMax", [impute({ strategy: "mean" }), minMax()]],
  );

  it("comes back by invert, and is the same after JSON", () => {
    fc.assert(
      fc.property(numeric, fc.array(fc.tuple(number, text, fc.boolean()), { minLength: 1, maxLength: 20 }), ([, steps], rows) => {
        const table: Record<string, Cell[]> = {
          x: rows.map(([x]) => x),
          label: rows.map(([, label]) => label),
          flag: rows.map(([, , flag]) => flag),
        };
        const fitted = columns({ x: steps, label: oneHot(), flag: ordinal() }).fit(table);
        const features = fitted.apply(table);
        expect(features.shape).toEqual([rows.length, fitted.width]);
        const back = fitted.invert(features);
        expect([back["label"], back["flag"]]).toEqual([table["label"], table["flag"]]);
        const spread = Math.max(...rows.map(([x]) => Math.abs(x)), 1);
        back["x"]!.forEach((x, i) => expect(Math.abs((x as number) - rows[i]![0])).toBeLessThan(1e-4 * spread));
        const again = columnsFrom(JSON.parse(JSON.stringify(fitted)));
        expect(again.apply(table)).toEqual(features);
        expect([again.names, JSON.stringify(again)]).toEqual([fitted.names, JSON.stringify(fitted)]);
      }),
    );
  });

  it("gives the same row by row", () => {
    const table = { x: [1, 2, 5], label: ["a", "b", "a"] };
    const fitted = columns({ x: standardize(), label: oneHot() }).fit(table);
    const rows = table.x.map((x, i) => fitted.applyRow({ x, label: table.label[i]!, other: "not used" }));
    expect(rows.flatMap((row) => [...row])).toEqual([...fitted.apply(table).data]);
  });

  it("is scaled by the training part alone, whatever it is applied to", () => {
    const fitted = columns({ x: standardize(), label: oneHot() }).fit({ x: [1, 2, 3], label: ["a", "b", "a"] });
    const alone = fitted.apply({ x: [10], label: ["b"] }).data;
    expect(fitted.apply({ x: [-100, 10, 7], label: ["c", "b", "a"] }).data.slice(3, 6)).toEqual(alone);
  });
});

describe("steps", () => {
  it("log and its way back; whole numbers, truth values and typed arrays are numbers", () => {
    const fitted = columns({ x: [log(), standardize()] }).fit({ x: Float32Array.of(0, 1, 100) as unknown as Cell[] });
    const { data, shape } = fitted.apply({ x: [5, 0] });
    fitted.invert({ data, shape })["x"]!.forEach((x, i) => expect(x as number).toBeCloseTo([5, 0][i]!, 4));
    expect(standardize().fit([true, false]).apply([true]).values).toEqual(Float64Array.of(1));
  });

  it("a constant column is 0 and comes back", () => {
    for (const step of [standardize(), robust(), minMax()]) {
      const fitted = step.fit([0.1, 0.1, 0.1]);
      expect(fitted.apply([0.1]).values[0]).toBe(0);
      expect(fitted.invert([0])[0]).toBeCloseTo(0.1, 12);
    }
  });

  it("unknown and missing values have an answer", () => {
    const kinds = ["b", "a", "b", null];
    expect(oneHot().fit(kinds).apply(["new", null]).values).toEqual(new Float64Array(4));
    expect(oneHot().fit(kinds).invert([0, 0, 0.2, 0.7])).toEqual([null, "b"]);
    expect(embeddingIds().fit(kinds).apply(["a", "new", null, "b"]).values).toEqual(Int32Array.of(1, 0, 0, 2));
    expect(embeddingIds().fit(kinds).invert([2, 0])).toEqual(["b", null]);
    expect(ordinal({ unknown: -1 }).fit(kinds).apply(["new", null, "b"]).values).toEqual(Float64Array.of(-1, -1, 1));
    expect(oneHot({ minCount: 2 }).fit(kinds).names("kind")).toEqual(["kind=b"]);
    expect(oneHot().fit([10, 9, "9", true]).names("x")).toEqual(["x=true", "x=9", "x=10", "x=9"]);
    expect(impute().fit(["x", null, "y", "y"]).apply([null]).values).toEqual(["y"]);
    expect(impute({ value: "none" }).fit([null]).apply([null, "a"]).values).toEqual(["none", "a"]);
  });

  it("ids are int32, and lie next to each other", () => {
    const fitted = columns({ a: embeddingIds(), b: embeddingIds() }).fit({ a: ["x", "y"], b: [1, 2] });
    expect(fitted.apply({ a: ["y"], b: [2] })).toEqual({ data: Int32Array.of(2, 2), shape: [1, 2], dtype: "int32" });
  });

  it("target classes are indices, and come back", () => {
    const classes = targetClasses(["mouse", "ermine", "mouse"]);
    expect([classes.classes, [...classes.apply(["mouse", "ermine"])]]).toEqual([
      ["ermine", "mouse"],
      [1, 0],
    ]);
    expect(targetClassesFrom(JSON.parse(JSON.stringify(classes))).invert(Int32Array.of(1, 0))).toEqual(["mouse", "ermine"]);
    expect(targetClasses([3, 10, 2]).classes).toEqual([2, 3, 10]);
  });
});

describe("dates", () => {
  const parts = ["year", "month", "dayOfYear", "weekday", "hour"] as const;
  const fitted = dates({ parts }).fit(["2020-01-01", "2022-12-31"]);
  const of = (date: string): number[] => Array.from(fitted.apply([date]).values, Number);

  it("are what JavaScript's own calendar says, for any date and zone", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: -14 * 60, max: 14 * 60 }), (time, zone) => {
        const date = new Date(Math.floor(time / 60_000) * 60_000);
        const local = new Date(date.getTime() + zone * 60_000).toISOString().slice(0, 16);
        const [hours, minutes] = [Math.floor(Math.abs(zone) / 60), Math.abs(zone) % 60].map((n) => String(n).padStart(2, "0"));
        const values = of(`${local}${zone < 0 ? "-" : "+"}${hours}:${minutes}`);
        expect(values).toEqual(of(date.toISOString()));
        const cycle = (sine: number): number => (Math.atan2(values[sine]!, values[sine + 1]!) / (2 * Math.PI) + 1) % 1;
        expect(values[0]).toBe(date.getUTCFullYear() - 2021);
        expect(Math.round(cycle(1) * 12) % 12).toBe(date.getUTCMonth());
        expect(Math.round(cycle(5) * 7) % 7).toBe((date.getUTCDay() + 6) % 7);
        expect(Math.round(cycle(7) * 1440) % 1440).toBe(date.getUTCHours() * 60 + date.getUTCMinutes());
      }),
    );
  });

  it("December is next to January, a missing date is 0, and years below 100 are their own", () => {
    expect(Math.hypot(...of("2021-12-31").map((x, i) => (i < 3 || i > 4 ? 0 : x - of("2021-01-01")[i]!)))).toBeLessThan(0.04);
    expect(fitted.apply([null]).values).toEqual(new Float64Array(9));
    expect(of("0050-03-01")[0]).toBe(50 - 2021);
  });

  it.each([
    "2021-02-29",
    "1900-02-29",
    "2021-13-01",
    "2021-00-10",
    "2021-1-1",
    "01/02/2021",
    "2021-01-01T24:00",
    "2021-01-01T10:60",
    "",
    "yesterday",
    "2021-01-01T10",
    "2021-01-01T10:00.5",
    "2021-01-01T10:00:00.",
    "2021-01-01T10:00+25:00",
    "2021-01-01 10:00Zulu",
    3,
  ])("%s is none", async (date) => {
    expect((await refusal(() => fitted.apply([date]))).message).toMatch(/dates: row 0 is .*ISO 8601/);
  });
});

describe("dates of a stated format and zone", () => {
  const parts = ["year", "month", "dayOfYear", "weekday", "hour"] as const;
  const sameAs = (format: string, cell: string | number, isoDate: string, zone?: string): void => {
    const zoned = zone === undefined ? {} : { zone };
    const [one, other] = [dates({ parts, format, ...zoned }).fit([cell]), dates({ parts, ...zoned }).fit([isoDate])];
    expect(one.apply([cell, null]).values).toEqual(other.apply([isoDate, null]).values);
    const { meanYear } = one.toJSON();
    expect(meanYear).toBe(other.toJSON()["meanYear"]);
    const json = JSON.parse(JSON.stringify({ kind: "columns", columns: [{ name: "d", steps: [one] }] })) as unknown;
    expect(columnsFrom(json).apply({ d: [cell] }).data).toEqual(
      columns({ d: dates({ parts, ...zoned }) })
        .fit({ d: [isoDate] })
        .apply({ d: [isoDate] }).data,
    );
  };
  it.each<[string, string | number, string]>([
    ["dd.MM.yyyy", "29.02.2024", "2024-02-29"],
    ["d.M.yyyy H:mm", "1.2.2003 4:05", "2003-02-01T04:05"],
    ["MM/dd/yyyy HH:mm:ss", "12/31/1999 23:59:58", "1999-12-31T23:59:58"],
    ["MMM d yyyy", "Jan 5 2021", "2021-01-05"],
    ["yyyyMMdd", "20240301", "2024-03-01"],
    ["yyyy-MM-ddTHH:mm", "2024-03-01T10:00", "2024-03-01T10:00"],
    ["seconds", 951_782_400, "2000-02-29T00:00"],
    ["milliseconds", -1, "1969-12-31T23:59"],
  ])("%s", (format, cell, isoDate) => sameAs(format, cell, isoDate));
  it("are taken in the zone, which texts mean that state none", () => {
    sameAs("d.M.yyyy H:mm", "1.1.2024 3:00", "2023-12-31T21:30Z", "+05:30");
    const at = (text: string): number[] =>
      Array.from(
        dates({ parts: ["month", "hour"], zone: "+05:30" })
          .fit([text])
          .apply([text]).values,
        Number,
      );
    expect(at("2023-12-31T21:30Z")).toEqual(at("2024-01-01T03:00"));
    expect(at("2024-01-01T03:00")).toEqual(
      Array.from(
        dates({ parts: ["month", "hour"] })
          .fit(["2024-01-01T03:00"])
          .apply(["2024-01-01T03:00"]).values,
      ),
    );
  });
  it.each<[string, object, RegExp]>([
    ["letters that stand for nothing", { format: "yyyy-MM-DD" }, /DD stands for nothing/],
    ["no day", { format: "yyyy-MM" }, /it has no day/],
    ["a field twice", { format: "yyyy-MM-dd M" }, /the month is there twice/],
    ["an empty one", { format: "" }, /it has no year/],
    ["a place's zone", { zone: "Europe/Zurich" }, /"UTC" or a fixed offset/],
    ["a zone of 25 hours", { zone: "+25:00" }, /fixed offset/],
  ])("%s is refused", async (_, options, message) => {
    expect((await refusal(() => dates(options))).message).toMatch(message);
  });
  it("texts of another format are refused", async () => {
    for (const [format, cell] of [
      ["dd.MM.yyyy", "31.04.2024"],
      ["dd.MM.yyyy", "1.4.2024"],
      ["dd.MM.yyyy", "01.04.2024 "],
      ["MMM d yyyy", "Foo 3 2021"],
      ["seconds", "12"],
      ["milliseconds", Infinity],
    ] as const) {
      const step = dates({ format }).fit([
        format === "seconds" || format === "milliseconds" ? 0 : format === "MMM d yyyy" ? "May 1 2020" : "01.01.2020",
      ]);
      if (cell !== "01.04.2024 ") expect((await refusal(() => step.apply([cell]))).message).toMatch(/dates: row 0 is/);
      else expect(step.apply([cell]).width).toBe(5);
    }
  });
});

describe("what does not fit is refused with column, row and remedy", () => {
  const fitted = columns({ x: standardize(), kind: ordinal() }).fit({ x: [1, 2], kind: ["a", "b"] });
  it.each<[string, () => unknown, RegExp]>([
    [
      "a missing number",
      () => fitted.apply({ x: [1, null], kind: ["a", "a"] }),
      /^column "x": standardize: row 1 is missing. Fill it before: \[impute\(\), standardize\(\)\]/,
    ],
    ["NaN", () => fitted.apply({ x: [Number.NaN], kind: ["a"] }), /row 0 is missing/],
    ["a text", () => fitted.apply({ x: ["1"], kind: ["a"] }), /row 0 is "1", and finite numbers are scaled/],
    ["an infinity", () => standardize().fit([1, Infinity]), /row 1 is Infinity/],
    [
      "an unknown category",
      () => fitted.apply({ x: [1], kind: ["c"] }),
      /^column "kind": ordinal: row 0 is "c", and the training part has: "a", "b"\. State { unknown: -1 }/,
    ],
    ["a column that is not there", () => fitted.apply({ x: [1] }), /There is no column "kind": there are x/],
    ["columns of two lengths", () => fitted.apply({ x: [1], kind: ["a", "b"] }), /"kind" has 2 rows, and "x" has 1/],
    ["no row", () => fitted.applyRow(null as never), /applyRow takes an object/],
    ["a row without a column", () => fitted.applyRow({ kind: "a" }), /There is no column "x"/],
    ["no table", () => fitted.apply(null as never), /got null/],
    [
      "ids next to numbers",
      () =>
        columns({ x: standardize(), id: embeddingIds() })
          .fit({ x: [1], id: ["a"] })
          .apply({ x: [1], id: ["a"] }),
      /"x" is float32 and "id" is int32/,
    ],
    [
      "texts at the end",
      () =>
        columns({ x: impute() })
          .fit({ x: ["a"] })
          .apply({ x: ["a"] }),
      /column "x": row 0 is "a" after all steps/,
    ],
    [
      "a step after the last",
      () => columns({ x: [oneHot(), standardize()] }).fit({ x: ["a"] }),
      /oneHot is the last of a column's steps, and standardize comes after it/,
    ],
    ["no step", () => columns({ x: 3 as never }), /"x" is 3: it takes a step/],
    ["an empty list of steps", () => columns({ x: [] }), /"x" is \[\]/],
    ["no column", () => columns({}), /takes steps by the columns' names/],
    ["no training row", () => standardize().fit([]), /no row to learn from/],
    ["all missing", () => impute().fit([null, null]), /all 2 values of the training part are missing/],
    ["no category", () => oneHot().fit([null]), /no value that is there/],
    ["no frequent category", () => oneHot({ minCount: 3 }).fit(["a", "a"]), /there 3 times/],
    ["a category twice", () => oneHot({ categories: ["a", "a"] }).fit([]), /categories are values, each once/],
    ["no date at all", () => dates().fit([null]), /no date/],
    ["a part that there is not", () => dates({ parts: ["minute" as never] }), /parts are of year, month/],
    ["log of −1", () => log().fit([0, -1]), /log: row 1 is -1/],
    ["a range upside down", () => minMax({ low: 1, high: 0 }), /low is below high/],
    ["a strategy that there is not", () => impute({ strategy: "mode" as never }), /strategy is "mean"/],
    ["a value and a strategy", () => impute({ strategy: "mean", value: 3 }), /a value goes with strategy "constant"/],
    ["a constant without a value", () => impute({ strategy: "constant" }), /a value goes with/],
    ["an argument", () => (standardize as (x: unknown) => unknown)({}), /standardize\(\{ … \}\) has 1 argument/],
    ["one class", () => targetClasses(["a", "a"]), /all 2 rows are "a": there is nothing to tell apart/],
    ["a missing target", () => targetClasses(["a", null, "b"]), /row 1 is missing/],
    ["an unknown class", () => targetClasses(["a", "b"]).apply(["c"]), /targetClasses: row 0 is "c"/],
    ["a class that there is not", () => targetClasses(["a", "b"]).invert([2]), /no class 2: there are 2, 0 … 1/],
    ["features of another width", () => fitted.invert({ data: [1, 2, 3], shape: [1, 3] }), /features are \(N, 2\), got \(1, 3\)/],
    ["JSON of something else", () => columnsFrom({ kind: "other" }), /cannot be read: it has no columns/],
    [
      "JSON of a step that there is not",
      () => columnsFrom({ kind: "columns", columns: [{ name: "x", steps: [{ kind: "standardise" }] }] }),
      /there is no step "standardise"; did you mean "standardize"/,
    ],
    [
      "JSON of a damaged state",
      () => columnsFrom({ kind: "columns", columns: [{ name: "x", steps: [{ kind: "standardize", center: "1", scale: 2 }] }] }),
      /standardize has center: "1"/,
    ],
    ["JSON of a damaged column", () => columnsFrom({ kind: "columns", columns: [null] }), /a column of it is null/],
    ["JSON of no classes", () => targetClassesFrom({ kind: "targetClasses", classes: ["a"] }), /no target classes/],
  ])("%s", async (_, act, message) => {
    expect((await refusal(act)).message).toMatch(message);
  });
});
