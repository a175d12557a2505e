/** The server of the pages, and the pages as files. */
import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import { writeStatic } from "../src/web/site.js";
import type { RunningSite } from "../src/web/web.js";
import { startSite } from "./pages/browser.js";

const pages = fileURLToPath(new URL("../dist/pages/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ermine-pages-"));
let site: RunningSite;

beforeAll(async () => {
  site = await startSite(0, pages);
});
afterAll(async () => {
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** As curl would: `fetch` would set the host by itself, and clean the path. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { port } = new URL(site.address);
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    })
      .on("error", reject)
      .end();
  });
}

describe("the server", () => {
  it("gives the pages under a policy that allows no other host", async () => {
    const { status, headers, text } = await ask("/");
    expect(status).toBe(200);
    expect(text).toContain("<title>Playground");
    expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*script-src 'self' 'wasm-unsafe-eval'/);
    expect(headers["content-security-policy"]).not.toMatch(/https?:/);
    expect(headers).toMatchObject({ "cross-origin-opener-policy": "same-origin", "cache-control": "no-cache" });
    const [script] = /assets\/[^"]*\.js/.exec(text)!;
    expect((await ask(`/${script}`)).headers["cache-control"]).toContain("immutable");
  });

  it("answers to its own host and origin alone", async () => {
    const { port } = new URL(site.address);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) expect((await ask("/", { host })).status).toBe(200);
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1:1", `127.0.0.1.evil.example:${port}`])
      expect((await ask("/", { host })).status, host).toBe(403);
    expect((await ask("/", { origin: `http://127.0.0.1:${port}` })).status).toBe(200);
    for (const origin of ["http://evil.example", "null", `https://127.0.0.1:${port}`, "http://127.0.0.1:1"])
      expect((await ask("/", { origin })).status, origin).toBe(403);
  });

  it("gives nothing outside of the pages, and takes nothing", async () => {
    for (const path of [
      "/../main.js",
      "/%2e%2e/main.js",
      "/..%2fmain.js",
      "/assets/../../main.js",
      "/nothing.html",
      "//etc/passwd",
    ])
      expect((await ask(path)).status, path).toBeGreaterThanOrEqual(400);
    for (const method of ["POST", "PUT", "DELETE"]) expect((await ask("/", {}, method)).status).toBe(405);
  });

  it("says that a port is taken", async () => {
    const taken = Number(new URL(site.address).port);
    await expect(startSite(taken, pages)).rejects.toThrow(`--port ${taken} cannot be had (EADDRINUSE)`);
  });

  it("says that pages are not built", async () => {
    await expect(startSite(0, folder)).rejects.toThrow("The pages are not built");
  });
});

describe("demo web", () => {
  const demo = (...args: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(new URL("../dist/main.js", import.meta.url)), ...args], {
      encoding: "utf8",
      timeout: 60_000,
    });

  it("writes the pages where --static says, and says how to serve them", () => {
    const target = join(folder, "by the command");
    const { status, stdout } = demo("web", "--static", target);
    expect(status).toBe(0);
    expect(stdout).toContain(target);
    expect(readdirSync(target)).toContain("index.html");
  });

  it("says what an option must be", () => {
    for (const [args, message] of [
      [["web", "--port", "99999"], "--port is a whole number from 0 to 65535"],
      [["web", "--prot", "1"], "Did you mean --port?"],
      [["experiments", "--seeds", "0"], "--seeds is a whole number from 1 to 1000"],
    ] as const) {
      const { status, stderr } = demo(...args);
      expect(stderr).toContain(message);
      expect(status).toBe(2);
    }
  });
});

describe("static pages", () => {
  it("are written, again over themselves, and never among other files", async () => {
    const target = join(folder, "new", "site");
    await writeStatic(target, pages);
    await writeStatic(target, pages);
    expect(readdirSync(target).sort()).toEqual(readdirSync(pages).sort());
    writeFileSync(join(folder, "letter.txt"), "mine");
    await expect(writeStatic(folder, pages)).rejects.toThrow(/has other files in it/);
    await expect(writeStatic(join(folder, "letter.txt"), pages)).rejects.toThrow(/is no folder/);
    expect(readFileSync(join(folder, "letter.txt"), "utf8")).toBe("mine");
  });

  it("have workers whose script no other file imports: WebKit would run it twice", () => {
    const assets = join(pages, "assets");
    const texts = new Map(
      readdirSync(assets)
        .filter((file) => file.endsWith(".js"))
        .map((file) => [file, readFileSync(join(assets, file), "utf8")]),
    );
    const workers = [...texts.keys()].filter((file) => file.startsWith("worker-"));
    expect(workers.length).toBe(4);
    const naming = (worker: string): string[] => [...texts].flatMap(([file, text]) => (text.includes(worker) ? [file] : []));
    // The page that starts it says its name in `new URL(…)`, and a chunk that imports it as a module with ./ in front.
    for (const worker of workers) {
      expect(naming(worker).length, worker).toBeGreaterThan(0);
      expect(naming(`./${worker}`), worker).toEqual([]);
    }
  });

  it("refer to each other by relative addresses, so that any folder of a host will do", () => {
    for (const name of readdirSync(pages).filter((file) => file.endsWith(".html"))) {
      const text = readFileSync(join(pages, name), "utf8");
      for (const [, address] of text.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address, name).toMatch(/^\.\//);
    }
  });
});

describe("trainings on the server", () => {
  /** Posts, and gives the status with the text up to the first whole event. */
  function post(body: string, headers: Record<string, string> = {}): Promise<Answer & { leave(): void }> {
    const { origin, port } = new URL(site.address);
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: "127.0.0.1",
          port,
          path: "/api/digits/train",
          method: "POST",
          headers: { origin, "content-type": "application/json", ...headers },
        },
        (response) => {
          let text = "";
          const give = (): void =>
            resolve({ status: response.statusCode!, headers: response.headers, text, leave: () => asked.destroy() });
          response.on("data", (chunk: Buffer) => {
            text += chunk.toString();
            if (text.includes("\n\n")) give();
          });
          response.on("end", give);
          response.on("error", () => {});
        },
      );
      asked.on("error", reject);
      asked.end(body);
    });
  }
  const asked = (choices: object = {}, backend = "cpu"): string => JSON.stringify({ backend, choices });

  it("are started by this server's pages alone", async () => {
    const { port } = new URL(site.address);
    expect((await post(asked(), { origin: "https://evil.example" })).status).toBe(403);
    expect((await post(asked(), { origin: "null" })).status).toBe(403);
    expect((await post(asked(), { host: `evil.example:${port}` })).status).toBe(403);
    expect((await ask("/api/digits/train", { "content-type": "application/json" }, "POST")).status).toBe(403);
    expect((await post(asked(), { "content-type": "text/plain" })).status).toBe(415);
    expect((await ask("/api/digits/train")).status).toBe(404);
  });

  it("are refused with what is wrong", async () => {
    for (const [body, message] of [
      ["{", "The request is no JSON"],
      ["null", "backend is cpu or tfjs, got undefined"],
      [asked({}, "tfj"), 'got "tfj". Did you mean "tfjs"?'],
      [asked({ model: "rnn" }), 'model is "mlp" or "cnn", got "rnn"'],
      [asked({ epochs: 1e6 }), "epochs is a whole number from 1 to 50, got 1000000"],
      [asked({ learningRate: "fast" }), 'learningRate is a number from 0 to 100, got "fast"'],
      [asked({ activation: 3 }), "activation is a name, got 3"],
      [asked({ optimizer: null }), "optimizer is a name, got null"],
      [asked({ epoch: 3 }), 'there is no "epoch"'],
      ['{"backend":"cpu","choices":7}', "an object is needed, got 7"],
    ] as const) {
      const { status, text } = await post(body);
      expect({ body, status, text }).toEqual({ body, status: 400, text: expect.stringContaining(message) as string });
    }
    expect((await post(asked({ activation: "x".repeat(5000) }))).status).toBe(413);
  });

  it("say why they failed", async () => {
    const { status, text } = await post(asked({ optimizer: "adamm" }));
    expect(status).toBe(200);
    expect(text).toMatch(/"type":"failed".*adam/);
  });

  it("are two at a time; who goes away makes room", async () => {
    const long = asked({ epochs: 50, model: "cnn" });
    const runs = await Promise.all([post(long), post(long)]);
    expect(runs.map(({ text }) => text)).toEqual([
      expect.stringContaining('"type":"started"') as string,
      expect.stringContaining('"type":"started"') as string,
    ]);
    const third = await post(long);
    expect(third).toMatchObject({
      status: 429,
      text: expect.stringContaining("2 trainings run on this server already") as string,
    });
    const running = async (): Promise<unknown> => JSON.parse((await ask("/api/digits")).text).running;
    expect(await running()).toBe(2);
    for (const { leave } of runs) leave();
    await expect.poll(running).toBe(0);
  });
});
