/** Trainers that were dropped without dispose() are collected, and what they held on the backend comes back. */
import { it } from "vitest";
import { expectNothingLeft } from "../../conformance/test/shared/dropped.js";

const backend = { module: new URL("../dist/index.js", import.meta.url), name: "cpu", options: { threads: 1 } };

it.each(["compiled", "eager"])("of 200 trainers (%s) nothing is left", (mode) => expectNothingLeft(backend, mode, 200), 120_000);
