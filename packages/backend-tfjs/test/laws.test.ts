import { describe, it } from "vitest";
import { testBackend } from "@ermine/conformance";
import { tfjs } from "../src/index.js";
import { describeNative } from "./native.js";

describeNative("TensorFlow", () => testBackend("tfjs", () => tfjs(), { describe, it }));
