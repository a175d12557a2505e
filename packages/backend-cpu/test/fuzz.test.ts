import { describe, it } from "vitest";
import { testPrograms } from "@ermine/conformance";
import { cpu } from "../src/index.js";

testPrograms("cpu, fast", () => cpu({ threads: 1 }), { describe, it }, { programs: 350 });
testPrograms("cpu, portable", () => cpu({ threads: 1, numerics: "portable" }), { describe, it }, { programs: 150, seed: 1000 });
testPrograms("cpu, two threads", () => cpu({ threads: 2 }), { describe, it }, { programs: 15, seed: 2000, large: true });
