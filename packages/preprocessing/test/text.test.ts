import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columns, columnsFrom, textIds, textLength, type TextIdsOptions } from "../src/index.js";
import { refusal } from "./refusal.js";

const idsOf = (options: TextIdsOptions, training: readonly (string | null)[], texts: readonly (string | null)[]): number[][] => {
  const fitted = textIds(options).fit(training);
  const { values, width } = fitted.apply(texts);
  return texts.map((_, row) => Array.from(values as Int32Array).slice(row * width, (row + 1) * width));
};
const vocabularyOf = (options: TextIdsOptions, training: readonly (string | null)[]): unknown =>
  textIds(options).fit(training).toJSON()["vocabulary"];

describe("words", () => {
  it("are the most frequent first, and of equally frequent ones by their characters", () => {
    const training = ["b a b", "C c c", null, "a d"];
    expect(vocabularyOf({}, training)).toEqual(["c", "a", "b", "d"]);
    expect(vocabularyOf({ minCount: 2 }, training)).toEqual(["c", "a", "b"]);
    expect(vocabularyOf({ vocabulary: 2 }, training)).toEqual(["c", "a"]);
    expect(vocabularyOf({ lowercase: false }, training)).toEqual(["a", "b", "c", "C", "d"]);
  });
  it("are ids: 0 fills, 1 is unknown; what is too long is cut off, and what is missing is empty", () => {
    expect(idsOf({ length: 3 }, ["a b"], ["b a new a", "b", "", null, "?!"])).toEqual([
      [3, 2, 1],
      [3, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
  it("are composed before they are cut, in any script", () => {
    const [composed, decomposed] = ["Zürich", "Zu\u0308rich"];
    expect(composed).not.toBe(decomposed);
    expect(idsOf({}, [composed], [decomposed])).toEqual([[2]]);
    expect(vocabularyOf({}, ["don’t 北京 Ελλάδα 12"])).toEqual(["12", "don’t", "ελλάδα", "北京"]);
  });
  it("are what the pattern says", () => {
    expect(vocabularyOf({ pattern: "[^,]+" }, ["red wine,green,red wine"])).toEqual(["red wine", "green"]);
    // An empty match is no word.
    expect(vocabularyOf({ pattern: "x*" }, ["axxbx"])).toEqual(["x", "xx"]);
  });
  it("have the length of the longest text, at most 256", () => {
    expect(textIds().fit(["a b c", "d"]).apply([null]).width).toBe(3);
    expect(
      textIds()
        .fit(["a ".repeat(300)])
        .apply([null]).width,
    ).toBe(256);
  });
  it("come back from their ids, where they are known", () => {
    const fitted = textIds({ length: 4 }).fit(["the ermine runs"]);
    expect(fitted.invert(fitted.apply(["The badger runs", null]).values as Int32Array)).toEqual(["the \ufffd runs", ""]);
  });
});

describe("bytes", () => {
  it("are those of UTF-8, one more than each", () => {
    expect(idsOf({ unit: "bytes", length: 5 }, [], ["aé", "abcdef", null])).toEqual([
      [98, 0xc3 + 1, 0xa9 + 1, 0, 0],
      [98, 99, 100, 101, 102],
      [0, 0, 0, 0, 0],
    ]);
    expect(idsOf({ unit: "bytes", lowercase: true, length: 1 }, [], ["A"])).toEqual([[98]]);
  });
  it("come back whatever the text is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const fitted = textIds({ unit: "bytes", length: 400 }).fit([]);
        expect(fitted.invert(fitted.apply([text]).values as Int32Array)).toEqual([text.normalize("NFC")]);
      }),
    );
  });
});

describe("lengths", () => {
  it("are how many words or bytes there are, up to the length of the ids", () => {
    expect(textLength().fit([]).apply(["one two", "", null]).values).toEqual(Int32Array.of(2, 0, 0));
    expect(textLength({ unit: "bytes", length: 3 }).fit([]).apply(["é", "abcd"]).values).toEqual(Int32Array.of(2, 3));
  });
  it("stand next to the ids, as JSON does not change", () => {
    const fitted = columns({
      ids: { column: "title", steps: textIds({ length: 3 }) },
      length: { column: "title", steps: textLength({ length: 3 }) },
    }).fit({ title: ["one two", "three"] });
    const again = columnsFrom(JSON.parse(JSON.stringify(fitted)));
    const rows = { title: ["two one zero four", null] };
    expect(again.apply(rows)).toEqual({ data: Int32Array.of(4, 2, 1, 3, 0, 0, 0, 0), shape: [2, 4], dtype: "int32" });
    expect(fitted.names).toEqual(["ids[0]", "ids[1]", "ids[2]", "length"]);
  });
});

describe("what does not fit", () => {
  it.each<[string, () => unknown, string, RegExp]>([
    ["a unit that there is not", () => textIds({ unit: "letters" as never }), "ERMINE_OPTION", /"words" or "bytes"/],
    ["a pattern that is none", () => textIds({ pattern: "(" }), "ERMINE_OPTION", /no regular expression/],
    ["a pattern of bytes", () => textLength({ unit: "bytes", pattern: "a" }), "ERMINE_OPTION", /Leave it out/],
    ["a vocabulary of bytes", () => textIds({ unit: "bytes", vocabulary: 3 }), "ERMINE_OPTION", /Leave them out/],
    ["a length of 0", () => textIds({ length: 0 }), "ERMINE_OPTION", /length is a whole number ≥ 1/],
    ["a number", () => columns({ x: textIds() }).fit({ x: ["a", 3] }), "ERMINE_VALUE", /"x".*row 1 is 3, and a text is needed/],
    ["a number, later", () => textIds().fit(["a"]).apply([true]), "ERMINE_VALUE", /row 0 is true/],
    ["no word at all", () => textIds().fit([null, "?"]), "ERMINE_DATA", /no word that is frequent enough/],
    ["no text at all", () => textIds({ unit: "bytes" }).fit([null]), "ERMINE_DATA", /no text/],
  ])("%s is refused", async (_, act, code, message) => {
    const error = await refusal(act);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });
  it.each<[string, object]>([
    ["a pattern", { pattern: "(" }],
    ["a length", { length: 0.5 }],
    ["a unit", { unit: "letters" }],
    ["a vocabulary", { vocabulary: [1] }],
  ])("a file that was changed is refused: %s", async (_, change) => {
    const steps = [{ ...textIds().fit(["a"]).toJSON(), ...change }];
    const error = await refusal(() => columnsFrom({ kind: "columns", columns: [{ name: "x", steps }] }));
    expect([error.code, error.message]).toEqual(["ERMINE_DATA", expect.stringMatching(/preprocessing cannot be read/)]);
  });
});
