/** Checkpoints that somebody made on purpose: their digest is right, and what they say is not. */
import { expect, it } from "vitest";
import { ErmineError } from "@ermine/core";
import { writeSafetensors } from "@ermine/formats";
import { decodeCheckpoint } from "../src/checkpoint.js";
import { checkArbitraryJson, checkMutants, laboratory } from "./hostileStates.js";

it("400 states that were changed are refused by name, or read as what they are; none changes a prototype", async () => {
  expect(await checkMutants(400, 5)).toBeGreaterThan(20);
}, 120_000);

it("2,000 states of arbitrary JSON, or with some in the place of a part, are refused by name, or read", async () => {
  expect(await checkArbitraryJson(2000, 3)).toBeGreaterThan(50);
}, 120_000);

it("tensors under other names, a text that is no JSON or nested without end, and files of other kinds are named", async () => {
  const { text, file } = await laboratory();
  const message = async (bytes: Uint8Array): Promise<string> => {
    try {
      await decodeCheckpoint(bytes);
    } catch (error) {
      if (error instanceof ErmineError) return error.message;
      throw error;
    }
    return "read";
  };
  expect(await message(file(text, (name) => (name === "model.weight" ? "../weight" : name)))).toMatch(
    /lacks the tensor "model.weight"/,
  );
  expect(await message(file("{"))).toMatch(/is no JSON/);
  expect(await message(file("[".repeat(1_000_000)))).toMatch(/nested more than 100 levels/);
  expect(await message(file("5"))).toMatch(/What it says of batch is missing/);
  expect(await message(writeSafetensors({ w: { shape: [1], data: new Float32Array(1) } }))).toMatch(
    /no checkpoint of a training/,
  );
});
