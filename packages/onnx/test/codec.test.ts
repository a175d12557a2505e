/** Messages as bytes: what is written is read again, and what is no file is an error of its own. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ErmineError, zeros } from "@ermine/core";
import { Linear, Sequential, SiLU } from "@ermine/core/nn";
import { saveModel } from "../src/index.js";
import { decode, encode } from "../src/proto/codec.js";
import type { GraphProto, ModelProto } from "../src/proto/messages.js";

const file: ModelProto = {
  irVersion: 8n,
  producerName: "größer",
  graph: {
    name: "g",
    node: [
      {
        opType: "X",
        input: ["a", ""],
        output: ["__proto__"],
        attribute: [
          { name: "i", type: 2, i: -1n },
          { name: "f", type: 1, f: 0.5 },
          { name: "s", type: 3, s: Uint8Array.of(0, 255) },
          { name: "floats", type: 6, floats: [1, -0, Infinity] },
          { name: "ints", type: 7, ints: [2n ** 63n - 1n, -(2n ** 63n)] },
        ],
      },
    ],
    initializer: [{ name: "w", dims: [2n], dataType: 11, doubleData: [1.5, -2], int64Data: [3n], int32Data: [-4] }],
  },
};

test("every kind of field is read as it was written", () => {
  expect(decode("ModelProto", encode("ModelProto", file))).toEqual(file);
});

test("fields that this version does not know are passed over, packed lists are read either way", () => {
  const unknown = Uint8Array.of(0xfa, 0x7f, 2, 1, 2);
  const bytes = encode("ModelProto", file);
  expect(decode("ModelProto", Uint8Array.of(...unknown, ...bytes, ...unknown))).toEqual(file);
  expect(decode("TensorProto", Uint8Array.of(0x08, 2, 0x0a, 2, 3, 4))).toEqual({ dims: [2n, 3n, 4n] });
});

const model = (): Promise<Uint8Array> => saveModel(new Sequential(new Linear(2, 3), new SiLU()), { sample: zeros([1, 2]) });

/** Read, or refused by an ErmineError with the code of damaged data. */
function readOrRefuse(bytes: Uint8Array): boolean {
  try {
    decode("ModelProto", bytes);
    return true;
  } catch (error) {
    if (error instanceof ErmineError && error.code === "ERMINE_DATA") return false;
    throw error;
  }
}

test("a file that is cut short anywhere is refused, or is a shorter list of whole fields", async () => {
  const bytes = await model();
  const refused = Array.from(bytes, (_, end) => readOrRefuse(bytes.subarray(0, end))).filter((isRead) => !isRead).length;
  expect(refused).toBeGreaterThan(0.9 * bytes.length);
});

test("bytes that were changed are read, or refused", async () => {
  const bytes = await model();
  let refused = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
      const changed = bytes.slice();
      for (const [at, value] of changes) changed[at] = value;
      if (!readOrRefuse(changed)) refused++;
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(100);
});

test("lengths that lie, graphs within graphs and messages without end are refused", () => {
  let graph: GraphProto = {};
  for (let i = 0; i < 60; i++) graph = { node: [{ attribute: [{ g: graph }] }] };
  expect(() => decode("ModelProto", encode("ModelProto", { graph }))).toThrow(/more than 100 deep/);
  expect(readOrRefuse(Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x07))).toBe(false);
  expect(readOrRefuse(Uint8Array.of(0x3b))).toBe(false);
  const empty = new Uint8Array(300_000).fill(0).map((_, i) => (i % 2 === 0 ? 0x42 : 0));
  expect(() => decode("ModelProto", empty)).toThrow(/more messages than a file of its size/);
});
