import { describe, it } from "vitest";
import { testBackend } from "@ermine/conformance";
import { cpu } from "../src/index.js";

testBackend("cpu, fast", () => cpu(), { describe, it });
testBackend("cpu, portable", () => cpu({ numerics: "portable" }), { describe, it });
