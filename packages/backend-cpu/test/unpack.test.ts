/** `build-wasm` and `unpack` are inverse. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cpu, cpuPlugin } from "../src/index.js";
import { unpack } from "../src/unpack.js";

const packed = (bytes: Uint8Array): string => gzipSync(bytes, { level: 9 }).toString("base64");

afterEach(() => void vi.unstubAllGlobals());

describe("the unpacker", () => {
  it("gives back any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        expect(await unpack(packed(bytes))).toEqual(bytes);
      }),
      { numRuns: 30 },
    );
  });

  it("gives back what comes in many chunks", async () => {
    const bytes = Uint8Array.from({ length: 1_000_000 }, (_, i) => (Math.sin(i) * 1e6) & 255);
    expect(Buffer.compare(await unpack(packed(bytes)), bytes)).toBe(0);
  });

  it("refuses a file that is broken, and nobody else hears of it", async () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 3);
    const broken = Buffer.from(packed(bytes), "base64");
    broken[20]! ^= 255;
    await expect(unpack(broken.toString("base64"))).rejects.toThrow(Error);
  });

  it("takes Node's where a test runner hides the global", async () => {
    vi.stubGlobal("DecompressionStream", undefined);
    expect(await unpack(packed(Uint8Array.of(1, 2, 3)))).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("says what is missing where there is none", async () => {
    vi.stubGlobal("DecompressionStream", undefined);
    const { process } = globalThis;
    vi.stubGlobal("process", { ...process, versions: {} });
    expect(await cpuPlugin.probe()).toMatchObject({ available: false, reason: expect.stringMatching(/no DecompressionStream/) });
    await expect(cpu({ threads: 1 })).rejects.toMatchObject({
      code: "ERMINE_UNSUPPORTED",
      message: expect.stringMatching(/has no DecompressionStream.*Safari 16\.4/s),
    });
  });
});
