/** Links and pasted points: what they say comes back, and what they say wrongly is said. */
import { describe, expect, it } from "vitest";
import { encodePoints, decodePoints, parseCsv, pointAt } from "../../site/src/playground/ownPoints.js";
import {
  fields,
  formatLink,
  initialSettings,
  parseLink,
  type PageState,
  type Settings,
} from "../../site/src/playground/settings.js";

const changed: Settings = {
  ...initialSettings,
  data: "custom",
  samples: 50,
  noise: 0.4,
  points: [pointAt(-1.25, 1.25, 0), pointAt(0.1234, -0.5, 2), pointAt(9, 0, 1)],
  seed: 7,
  hidden: [3, 10, 1],
  activation: "mish",
  output: "softmax",
  loss: "focal",
  optimizer: "lion",
  learningRate: 0.003,
  schedule: "oneCycle",
  updates: 500,
  weightDecay: 0.1,
  dropout: 0.2,
  batchSize: 1,
};

describe("a link", () => {
  it("of the settings to begin with is empty", () => {
    expect(formatLink({ a: initialSettings, b: undefined })).toBe("");
    expect(parseLink("")).toEqual({ state: { a: initialSettings, b: undefined }, problems: [] });
  });

  it("has every setting, of both sides", () => {
    const states: PageState[] = [
      { a: changed, b: undefined },
      { a: initialSettings, b: { ...initialSettings, hidden: [], activation: "relu" } },
      { a: changed, b: changed },
    ];
    for (const state of states) expect(parseLink(formatLink(state))).toEqual({ state, problems: [] });
    for (const key of Object.keys(fields) as (keyof Settings)[])
      if (key !== "outliers") expect(formatLink({ a: changed, b: undefined }), key).toContain(`${key}=`);
  });

  it("names what it cannot use, and has the default there", () => {
    const { state, problems } = parseLink("activation=rleu&learningRate=-1&hidden=8-99&batchSize=2.5&noise=&color=red&seed=4");
    expect(state.a).toEqual({ ...initialSettings, seed: 4 });
    expect(problems).toHaveLength(6);
    expect(problems.join(" ")).toMatch(/activation is one of .*relu.*"rleu".*learningRate is a number from 0 to 100.*"-1"/s);
    expect(problems.at(-1)).toContain("batchSize");
    expect(problems).toContain('There is no setting "color".');
  });

  it("of points without points has other data", () => {
    expect(parseLink("data=custom")).toMatchObject({
      state: { a: { data: "moons" } },
      problems: ["The link has no points of its own."],
    });
    for (const points of ["zz", "zzzzzzz", "0000003", "-000000", "0".repeat(7 * 401)])
      expect(decodePoints(points), points).toBeUndefined();
  });

  it("whose loss is of another task has one that fits", () => {
    expect(parseLink("data=curve").state.a.loss).toBe("mse");
    expect(parseLink("data=moons&loss=l1").state.a.loss).toBe("crossEntropy");
  });
});

describe("points", () => {
  it("come back from a link exactly", () => {
    const points = Array.from({ length: 400 }, (_, i) => pointAt(Math.sin(i) * 1.3, Math.cos(i * 7) * 1.3, i % 3));
    expect(decodePoints(encodePoints(points))).toEqual(points);
  });

  it("come from a CSV with any delimiter, with and without names, scaled into the picture", () => {
    const expected = [pointAt(-1, -1, 0), pointAt(1, 0, 1), pointAt(0, 1, 0)];
    expect(parseCsv("10,0,red\n30,5,blue\n20,10,red")).toEqual(expected);
    expect(parseCsv("x;y;class\r\n10;0;red\r\n\r\n30;5;blue\r\n20;10;red\r\n")).toEqual(expected);
    expect(parseCsv("10\t0\t1\n30\t5\t0\n20\t10\t1")).toEqual(expected);
  });

  it.each([
    ["", /There are no rows/],
    ["hello", /There are no rows/],
    ["1,2,a\n1,b,a", /Line 2: "b" is no number/],
    ["1,2\n3,4", /Line 1 has 2 columns; there must be 3/],
    ["x,y,class\n1,2,a\n3,4,", /Line 3 has no class/],
    ["1,2,a\n3,4,a", /All rows are of the class "a"/],
    ["1,2,a\n3,4,b\n3,4,c\n3,4,d", /Line 4: "d" is the 4th class \(a, b, c\)/],
    [Array.from({ length: 401 }, (_, i) => `${i},1,a`).join("\n"), /401 rows; a link holds at most 400/],
  ])("that are no CSV of them say why: %#", (text, message) => {
    expect(() => parseCsv(text)).toThrow(message);
  });
});
