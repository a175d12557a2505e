/** The server: what it answers, what it refuses, and that it goes on. */
import { copyFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TableModel } from "../src/model/tableModel.js";
import { BatchedModel } from "../src/serve/batchedModel.js";
import { serveModel, type RunningServer } from "../src/serve/server.js";
import { asCsv, run, shippedRows, temporaryFolder, written } from "./support.js";

const folder = temporaryFolder();
const rows = shippedRows("penguins.json");
const penguins = written(folder, "penguins.csv", asCsv(rows));
const model = join(folder, "served.onnx");
const small = ["--backend", "cpu", "--set", "network.hidden=[8]", "--set", "network.members=2"];
let server: RunningServer;

beforeAll(async () => {
  for (const [name, seed] of [
    ["a", "0"],
    ["b", "1"],
  ] as const)
    await run("train", penguins, "--target", "Species", "--epochs", "3", "--seed", seed, ...small, "--out", join(folder, name));
  copyFileSync(join(folder, "a", "model.onnx"), model);
  server = await serveModel({ model, host: "127.0.0.1", port: 0, maxBody: 100_000, timeout: 2 });
}, 60_000);
afterAll(() => server.close());

const address = (path: string): string => `http://127.0.0.1:${server.port}${path}`;
const post = (body: string | Uint8Array<ArrayBuffer>, path = "/predict"): Promise<Response> =>
  fetch(address(path), { method: "POST", body });
const predicted = async (some: readonly unknown[]): Promise<unknown[]> => {
  const response = await post(JSON.stringify({ rows: some }));
  expect(response.status).toBe(200);
  return ((await response.json()) as { predictions: unknown[] }).predictions;
};

describe("rows of requests that come at the same time", () => {
  it("are predicted together, and answered apart", async () => {
    const loaded = await TableModel.load(join(folder, "a", "model.onnx"));
    const sizes: number[] = [];
    const { predict } = loaded;
    loaded.predict = (some) => {
      sizes.push(some.length);
      return predict.call(loaded, some);
    };
    const parts = [rows.slice(0, 3), rows.slice(150, 151), rows.slice(300, 305)] as never[][];
    const alone = [];
    for (const part of parts) {
      const predictions = await predict.call(loaded, part);
      alone.push(part.map((_, i) => loaded.answer(predictions, i)));
    }
    const batched = new BatchedModel(loaded);
    expect(await Promise.all(parts.map((part) => batched.predict(part)))).toEqual(alone);
    expect(sizes).toEqual([9]);
    await batched.dispose();
  });
});

describe("a served model", { timeout: 60_000 }, () => {
  it("answers what predict says, alone and among others", async () => {
    const { events } = await run("predict", model, penguins, "--json");
    const expected = events.map(({ prediction, probabilities }) => ({ prediction, probabilities }));
    expect(await predicted(rows.slice(0, 7))).toEqual(expected.slice(0, 7));
    const each = await Promise.all(rows.slice(0, 100).map((row) => predicted([row])));
    expect(each.flat()).toEqual(expected.slice(0, 100));
  });

  it("answers a row that lacks columns, and a list without a name", async () => {
    expect((await predicted([{}])).length).toBe(1);
    expect((await post(JSON.stringify([{}]))).status).toBe(200);
  });

  it.each<[string, () => Promise<Response>, number, RegExp]>([
    ["no JSON", () => post("{"), 400, /no JSON/],
    ["no rows", () => post("{}"), 400, /The body is/],
    ["an empty list", () => post('{"rows":[]}'), 400, /at least one row/],
    ["rows that are none", () => post('{"rows":[3]}'), 400, /The body is/],
    ["a cell that is none", () => post('{"rows":[{"Island":{"a":1}}]}'), 400, /Row 0, \\"Island\\": a cell is/],
    ["a text among numbers", () => post('{"rows":[{"Body Mass (g)":"heavy"}]}'), 400, /Body Mass.*row 0 is \\"heavy\\"/],
    ["bytes that are no text", () => post(Uint8Array.of(255, 254, 0)), 400, /no JSON/],
    ["a body that is too large", () => post(`{"rows":[${"{},".repeat(50_000)}{}]}`), 413, /at most 100000 bytes/],
    ["another path", () => fetch(address("/other")), 404, /There is no \/other/],
    ["another method", () => fetch(address("/predict")), 405, /is POST/],
  ])("refuses %s", async (_, ask, status, message) => {
    const response = await ask();
    expect(response.status).toBe(status);
    expect(await response.text()).toMatch(message);
    expect((await predicted([rows[0]])).length).toBe(1);
  });

  it("refuses a row without those that came with it", async () => {
    const good = await predicted([rows[3]]);
    const all = await Promise.all([post('{"rows":[{"Body Mass (g)":"heavy"}]}'), predicted([rows[3]]), predicted([rows[3]])]);
    expect(all[0].status).toBe(400);
    expect(all.slice(1)).toEqual([good, good]);
  });

  it("says its health, its counters and its document", async () => {
    expect(await (await fetch(address("/health"))).json()).toEqual({ status: "ok" });
    expect(await (await fetch(address("/metrics"))).text()).toMatch(/^ermine_rows_total \d+$/m);
    const document = (await (await fetch(address("/openapi.json"))).json()) as { paths: object; openapi: string };
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toContain("/predict");
  });

  it("ends connections that do not say what they want, and answers others meanwhile", async () => {
    const slow = Array.from({ length: 50 }, () => connect(server.port, "127.0.0.1"));
    const ended = slow.map(
      (socket) => new Promise<void>((resolve) => socket.on("error", () => undefined).on("close", () => resolve())),
    );
    for (const socket of slow) socket.write("POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    for (const socket of slow) socket.resume();
    expect((await predicted([rows[0]])).length).toBe(1);
    await Promise.all(ended);
  });

  it("answers 1,000 connections at once", async () => {
    const answers = await Promise.all(Array.from({ length: 1000 }, () => predicted([rows[5]])));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it("reads its file again, with the old or the new model answering", async () => {
    const before = JSON.stringify(await predicted([rows[5]]));
    copyFileSync(join(folder, "b", "model.onnx"), model);
    const asked = Array.from({ length: 100 }, () => predicted([rows[5]]));
    await server.reload();
    const after = JSON.stringify(await predicted([rows[5]]));
    expect(after).not.toBe(before);
    for (const answer of await Promise.all(asked)) expect([before, after]).toContain(JSON.stringify(answer));
    writeFileSync(model, "nothing");
    await expect(server.reload()).rejects.toThrow();
    expect(JSON.stringify(await predicted([rows[5]]))).toBe(after);
  });

  it("refuses a port that is taken", async () => {
    const { status, err } = await run("serve", join(folder, "a", "model.onnx"), "--port", String(server.port));
    expect([status, err]).toEqual([2, expect.stringMatching(/cannot be listened on/)]);
    expect((await run("serve", model, "--port", "many")).err).toMatch(/--port is a whole number/);
  });
});
