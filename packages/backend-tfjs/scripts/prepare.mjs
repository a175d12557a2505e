// Before this package's tests: TensorFlow's library. Where it cannot be had the tests that need it say so; in CI that is a failure.
import { main } from "../dist/install/cli.js";

const status = await main(["install"]);
process.exitCode = process.env.CI === "true" ? status : 0;
