/** `ermine serve` as a process: killed and started again, told to read its file again, and told to end. */
import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asCsv, run, shippedRows, temporaryFolder, written, type Event } from "./support.js";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const folder = temporaryFolder();
const rows = shippedRows("penguins.json");
const model = join(folder, "served.onnx");
const small = ["--backend", "cpu", "--set", "network.hidden=[8]", "--set", "network.members=2"];

beforeAll(async () => {
  const penguins = written(folder, "penguins.csv", asCsv(rows));
  for (const [name, seed] of [
    ["a", "0"],
    ["b", "1"],
  ] as const)
    await run("train", penguins, "--target", "Species", "--epochs", "3", "--seed", seed, ...small, "--out", join(folder, name));
  copyFileSync(join(folder, "a", "model.onnx"), model);
}, 60_000);

class Served {
  readonly child: ChildProcess;
  readonly port: number;
  readonly events: Event[];

  private constructor(child: ChildProcess, port: number, events: Event[]) {
    this.child = child;
    this.port = port;
    this.events = events;
  }

  static async start(port = 0): Promise<Served> {
    const child = spawn(process.execPath, [main, "serve", model, "--port", String(port), "--timeout", "2s", "--json"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.add(child);
    const events: Event[] = [];
    let text = "";
    child.stdout!.on("data", (part: Buffer) => {
      const lines = (text + part.toString()).split("\n");
      text = lines.pop()!;
      events.push(...lines.map((line) => JSON.parse(line) as Event));
    });
    const served = new Served(child, port, events);
    await served.told("listening");
    return port === 0 ? new Served(child, events[0]!["port"] as number, events) : served;
  }

  /** The next event of that kind, or with that text. */
  async told(what: string): Promise<Event> {
    for (;;) {
      const event = this.events.find((one) => one.event === what || String(one["message"]).includes(what));
      if (event !== undefined) return event;
      if (this.child.exitCode !== null) throw new Error(`It ended with ${this.child.exitCode}.`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async answer(some: readonly unknown[]): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}/predict`, {
      method: "POST",
      body: JSON.stringify({ rows: some }),
    });
    expect(response.status).toBe(200);
    return response.text();
  }

  /** Sends a signal. @returns how it has ended */
  end(signal: NodeJS.Signals): Promise<number | string | null> {
    return new Promise((resolve) => {
      this.child.once("close", (code, by) => resolve(by ?? code));
      this.child.kill(signal);
    });
  }
}

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** A connection that has sent these bytes. */
const opened = (port: number, bytes: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, () => resolve(socket)));
    socket.once("error", reject);
  });

describe("ermine serve", { timeout: 60_000 }, () => {
  it("answers the same after kill -9 among requests, and a start on the same port", async () => {
    const first = await Served.start();
    const expected = await first.answer(rows);
    const asked = Array.from({ length: 50 }, () => first.answer(rows).catch(() => "no answer"));
    const ended = await first.end("SIGKILL");
    for (const answer of await Promise.all(asked)) expect(["no answer", expected]).toContain(answer);
    expect(ended).toBe("SIGKILL");
    const second = await Served.start(first.port);
    expect(await second.answer(rows)).toBe(expected);
    expect(await second.end("SIGTERM")).toBe(0);
  });

  it("reads its file again at SIGHUP, each request answered by the old model or the new one; and keeps the old one where the file is none", async () => {
    const served = await Served.start();
    const before = await served.answer(rows);
    copyFileSync(join(folder, "b", "model.onnx"), model);
    let isRead = false;
    const answers: string[] = [];
    const asking = Array.from({ length: 4 }, async () => {
      while (!isRead) answers.push(await served.answer(rows));
    });
    served.child.kill("SIGHUP");
    await served.told("was read again");
    isRead = true;
    await Promise.all(asking);
    const after = await served.answer(rows);
    expect(after).not.toBe(before);
    expect(new Set([before, after, ...answers]).size).toBe(2);
    writeFileSync(model, "nothing");
    served.child.kill("SIGHUP");
    await served.told("The model that was there stays");
    expect(await served.answer(rows)).toBe(after);
    expect(await served.end("SIGINT")).toBe(0);
    copyFileSync(join(folder, "a", "model.onnx"), model);
  });

  it("ends at SIGTERM when the requests that have begun are answered, and takes no new ones", async () => {
    const served = await Served.start();
    const body = JSON.stringify({ rows: rows.slice(0, 3) });
    const head = `POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
    const socket = await opened(served.port, head + body.slice(0, 10));
    let text = "";
    const answered = new Promise<void>((resolve) =>
      socket.on("data", (part) => (text += part.toString())).on("close", () => resolve()),
    );
    const ended = served.end("SIGTERM");
    for (;;) {
      const isRefused = await opened(served.port, "").then(
        (other) => (other.destroy(), false),
        () => true,
      );
      if (isRefused) break;
    }
    socket.write(body.slice(10));
    await answered;
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*"prediction"/);
    expect(await ended).toBe(0);
    expect(served.events.at(-1)).toEqual({ event: "end" });
  });

  it("ends at SIGTERM within its time-out where a client never finishes its request", async () => {
    const served = await Served.start();
    await opened(served.port, "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").then((socket) =>
      socket.on("error", () => undefined),
    );
    expect(await served.end("SIGTERM")).toBe(0);
  });
});
