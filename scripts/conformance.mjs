// `pnpm conformance --golden DIR …`: builds the kit and the backends, then runs the golden cases.
import { runNode, turboQuietly } from "./run.mjs";

const built = turboQuietly("build", "--filter=./packages/*");
process.exit(built === 0 ? runNode("packages/conformance/dist/cli.js", process.argv.slice(2)) : built);
