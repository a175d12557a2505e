import { describe, expect, it } from "vitest";
import { readSafetensors } from "@ermine/formats";
import type { SavedState, TrainingSnapshot } from "../src/index.js";
import { decodeCheckpoint, encodeCheckpoint, modelState } from "../src/checkpoint.js";
import { refusal } from "./refusal.js";
import { comparable, interrupted, uninterrupted } from "./resumed.js";
import { data, make, options, someSnapshot } from "./checkpointedTraining.js";

describe("a checkpoint's bytes", () => {
  it.each(["float32", "float64"] as const)(
    "hold all of a training, in %s: what goes through them has the same bits",
    async (precision) => {
      const { result } = await uninterrupted(() => make(precision), data, options());
      const through = async (snapshot: TrainingSnapshot): Promise<TrainingSnapshot> => {
        const { parts, byteLength } = await encodeCheckpoint(snapshot);
        expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(byteLength);
        const read = await decodeCheckpoint(parts[0]!);
        expect(comparable(read)).toEqual(comparable(snapshot));
        expect(read.settings).toEqual(snapshot.settings);
        return read;
      };
      expect(await interrupted(() => make(precision), data, options(), [2, 4, 5], through)).toEqual(result);
    },
  );

  it("are a safetensors file, whose model other programs read", async () => {
    const snapshot = await someSnapshot();
    const { parts } = await encodeCheckpoint(snapshot);
    const { tensors } = readSafetensors(parts[0]!);
    const weight = tensors.get("model.0.weight")!;
    expect([weight.dtype, weight.shape]).toEqual(["F64", [4, 3]]);
    expect(tensors.has("optimizer.0.weight.average")).toBe(true);
    const { model } = make();
    expect(model.loadStateDict(modelState(snapshot))).toBeDefined();
    expect((await model.stateDict())["0.weight"]!.data).toEqual(weight.elements());
  });

  it("are read from whatever holds them: a Buffer as readFile gives it, an ArrayBuffer, a view, shared memory", async () => {
    const snapshot = await someSnapshot();
    const file = (await encodeCheckpoint(snapshot)).parts[0]!;
    const shifted = Buffer.concat([Buffer.of(1, 2, 3), file]).subarray(3);
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    const buffer = file.slice().buffer;
    for (const bytes of [Buffer.from(file), shifted, buffer, new DataView(buffer), shared, shared.buffer, file.subarray()])
      expect(comparable(await decodeCheckpoint(bytes))).toEqual(comparable(snapshot));
    for (const wrong of [undefined, null, "a.safetensors", 5, {}, [1], Promise.resolve(file)])
      expect((await refusal(() => decodeCheckpoint(wrong as never))).code).toBe("ERMINE_USAGE");
  });

  it("equal snapshots are equal bytes", async () => {
    const snapshot = await someSnapshot();
    expect((await encodeCheckpoint(snapshot)).parts).toEqual((await encodeCheckpoint(snapshot)).parts);
  });

  it("states of callbacks come back as they were, whatever they hold", async () => {
    const snapshot = await someSnapshot();
    const odd = JSON.parse('{ "__proto__": { "polluted": 1 }, "$number": "NaN", "constructor": 1, "": [] }') as SavedState;
    const state: SavedState = {
      numbers: [NaN, Infinity, -Infinity, -0, 0, 1e-320, 2 ** 53, 0.1],
      texts: ["", "\u0000\ud83d\ude00\u2028", '"sha256":"'],
      odd,
      arrays: [
        new Float32Array([1, NaN]),
        new Float64Array([-0]),
        new Int32Array([-1]),
        new Uint8Array([0, 255]),
        new Float32Array(0),
      ],
      nothing: [null, true, [], {}],
    };
    const withState = { ...snapshot, host: { ...snapshot.host, callbacks: [{ name: "odd", state }] } };
    const read = await decodeCheckpoint((await encodeCheckpoint(withState)).parts[0]!);
    expect(read.host.callbacks).toEqual([{ name: "odd", state }]);
    expect(Object.is((read.host.callbacks[0]!.state as { numbers: number[] }).numbers[3], -0)).toBe(true);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("every byte that is flipped is found, and every length that is cut", async () => {
    const bytes = (await encodeCheckpoint(await someSnapshot())).parts[0]!;
    expect(bytes.length).toBeGreaterThan(4000);
    const original = bytes.slice();
    // Each byte with one bit; in turns of eight bits.
    for (let i = 0; i < bytes.length; i++) {
      bytes[i]! ^= 1 << (i % 8);
      const error = await refusal(() => decodeCheckpoint(bytes));
      expect(error.code, `byte ${i}`).toMatch(/ERMINE_(DATA|UNSUPPORTED)/);
      bytes[i]! ^= 1 << (i % 8);
    }
    expect(bytes).toEqual(original);
    for (let length = 0; length < bytes.length; length += length < 600 ? 1 : 13)
      await refusal(() => decodeCheckpoint(bytes.slice(0, length)));
    await refusal(() => decodeCheckpoint(Uint8Array.from([...bytes, 0])));
    await decodeCheckpoint(bytes);
  }, 120_000);

  it("refuses to write, or to take the model of, what only looks like a snapshot", async () => {
    const { variables, host, settings } = await someSnapshot();
    const refused = async (wrong: object): Promise<string> => (await refusal(() => encodeCheckpoint(wrong as never))).message;
    expect(await refused({ variables, host: {}, settings })).toMatch(/says of batch is missing.*trainer\.snapshot\(\)/);
    expect(await refused({ variables, host: { ...host, history: undefined }, settings })).toMatch(/says of history is missing/);
    for (const wrong of [[1], [{}], [variables[0], variables[0]], [{ ...variables[0], role: "weight" }]]) {
      expect(await refused({ variables: wrong, host, settings })).toMatch(/says of variables is missing/);
      expect((await refusal(() => modelState({ variables: wrong as never }))).message).toMatch(/modelState takes a snapshot/);
    }
  });

  it.each([undefined, {}, 5])("refuses to write %s", async (wrong) => {
    expect((await refusal(() => encodeCheckpoint(wrong as never))).message).toMatch(/is restored from a snapshot/);
  });
});
