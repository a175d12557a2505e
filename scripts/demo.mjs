// `pnpm demo …`: builds what the demo needs, quietly, then runs it with the user's arguments.
import { runNode, turboQuietly } from "./run.mjs";

process.on("SIGINT", () => {});
const built = turboQuietly("build", "--filter=@ermine/demo");
process.exit(built === 0 ? runNode("apps/demo/dist/main.js", process.argv.slice(2)) : built);
