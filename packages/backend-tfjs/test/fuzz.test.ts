import { it } from "vitest";
import { testPrograms } from "@ermine/conformance";
import { tfjs } from "../src/index.js";
import { describeNative } from "./native.js";

testPrograms("tfjs", () => tfjs(), { describe: describeNative, it }, { programs: 150, each: 50 });
