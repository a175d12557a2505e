import { describe, it } from "vitest";
import { reference } from "@ermine/core/reference";
import { testBackend } from "../src/index.js";

testBackend("the reference", () => reference(), { describe, it });

// A backend like a GPU: float32 only, no random numbers of its own, and answers that come later.
const poor = { precision: "float32", dtypes: ["float32"], late: true, without: ["randomUniform"] } as const;
testBackend("a backend with float32 only that answers late", () => reference(poor), { describe, it });
