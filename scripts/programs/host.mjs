// A process that runs groups of programs, each group in a thread, or as the main thread of a process: `node host.mjs < groups.json`, one line of JSON for
// each program.
import { fork } from "node:child_process";
import { Worker } from "node:worker_threads";

const runner = new URL("./worker.mjs", import.meta.url);

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { groups, limit } = JSON.parse(text);

for (const group of groups) await run(group);
process.exit(0);

function run(group) {
  return new Promise((resolve) => {
    const worker = group.mainThread ? asProcess(group) : asThread(group);
    const open = new Map(group.programs.map((program) => [program.id, program]));
    let timer = setTimeout(stop, limit, `took more than ${limit / 1000} s`);
    worker.on("message", (message) => {
      // A program may talk to the thread that started it.
      if (!open.has(message?.id)) return;
      clearTimeout(timer);
      timer = setTimeout(stop, limit, `took more than ${limit / 1000} s`);
      open.delete(message.id);
      say(message);
      if (open.size === 0) stop();
    });
    worker.on("error", (error) => stop(error.stack ?? String(error)));
    worker.on("exit", () => stop("ended its thread"));
    let stopped = false;
    function stop(error) {
      if (stopped) return;
      stopped = true;
      clearTimeout(timer);
      for (const id of open.keys()) say({ id, output: "", error });
      void worker.terminate().then(resolve);
    }
  });
}

function asThread(group) {
  return new Worker(runner, { workerData: group, stdout: true, stderr: true });
}

function asProcess(group) {
  const child = fork(runner, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  child.send(group);
  const ended = new Promise((resolve) => child.on("exit", resolve));
  return Object.assign(child, { terminate: () => (child.kill(), ended) });
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
