import { serveTraining } from "../dist/worker.js";
import { train } from "./worker.fixture.mjs";

export default serveTraining(train);
