/** A model behind HTTP: rows of JSON in, predictions out. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ErmineError } from "@ermine/core";
import type { TableRow } from "@ermine/data";
import { TableModel, type Answer } from "../model/tableModel.js";
import { BatchedModel } from "./batchedModel.js";
import { openApi } from "./openApi.js";

/** How a model is served. */
export interface ServeOptions {
  readonly model: string;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Most bytes of a request. */
  readonly maxBody: number;
  /** Most seconds that a request may take to come in. */
  readonly timeout: number;
}

/** A server that runs. */
export interface RunningServer {
  readonly port: number;
  /** Takes the file's model anew: requests are answered by the old one or by the new one. @throws ErmineError where it is none; the old one stays */
  reload(): Promise<void>;
  /** Answers what has come in, and ends; requests that have not come in within the time-out are ended too. */
  close(): Promise<void>;
}

/** A request that is not answered as it was meant. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const json = "application/json; charset=utf-8";

/** @throws ErmineError ERMINE_DATA where the file is no model of a table, ERMINE_USAGE where the port is taken */
export async function serveModel({ model: path, host, port, maxBody, timeout }: ServeOptions): Promise<RunningServer> {
  let current = new BatchedModel(await TableModel.load(path));
  const counts = { requests: 0, refused: 0, rows: 0, seconds: 0 };

  const handle = async (request: IncomingMessage): Promise<readonly [status: number, type: string, body: string]> => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const route = `${request.method} ${pathname}`;
    if (route === "GET /health") return [200, json, '{"status":"ok"}'];
    if (route === "GET /metrics") return [200, "text/plain; version=0.0.4", metricsOf(counts)];
    if (route === "GET /openapi.json") return [200, json, JSON.stringify(openApi(current.model))];
    if (route !== "POST /predict") {
      const paths = ["/predict", "/health", "/metrics", "/openapi.json"];
      throw paths.includes(pathname)
        ? new Refusal(405, `${pathname} is ${pathname === "/predict" ? "POST" : "GET"}.`)
        : new Refusal(404, `There is no ${pathname}. There are: ${paths.join(", ")}.`);
    }
    const started = performance.now();
    const rows = rowsOf(await bodyOf(request, maxBody));
    const answers: readonly Answer[] = await current.predict(rows);
    counts.rows += rows.length;
    counts.seconds += (performance.now() - started) / 1000;
    return [200, json, JSON.stringify({ predictions: answers })];
  };

  const server = createServer({
    requestTimeout: timeout * 1000,
    headersTimeout: Math.min(timeout, 10) * 1000,
    connectionsCheckingInterval: 1000,
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    counts.requests++;
    handle(request).then(
      ([status, type, body]) => send(response, status, type, body),
      (error: unknown) => {
        counts.refused++;
        const [status, message] = refusalOf(error);
        // What is left of a body that is too large is not read.
        if (status === 413) response.setHeader("connection", "close");
        send(response, status, json, JSON.stringify({ error: message }));
      },
    );
  });
  await listening(server, host, port);
  const address = server.address() as { readonly port: number };
  return {
    port: address.port,
    reload: async () => {
      const next = new BatchedModel(await TableModel.load(path));
      const before = current;
      current = next;
      await before.dispose();
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // A server that closes looks no more after requests that do not come in.
      const late = setTimeout(() => server.closeAllConnections(), timeout * 1000);
      await closed;
      clearTimeout(late);
      await current.dispose();
    },
  };
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: Error) =>
      reject(new ErmineError("ERMINE_USAGE", `${host}:${port} cannot be listened on: ${error.message}.`, { cause: error })),
    );
    server.listen(port, host, () => resolve());
  });
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

function refusalOf(error: unknown): readonly [status: number, message: string] {
  if (error instanceof Refusal) return [error.status, error.message];
  if (error instanceof ErmineError) return [400, error.message];
  return [500, "The request could not be answered."];
}

async function bodyOf(request: IncomingMessage, most: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > most) throw new Refusal(413, `A request has at most ${most} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** @throws Refusal 400 for what is no list of rows */
function rowsOf(text: string): readonly TableRow[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, `The body is no JSON: ${(error as Error).message}.`);
  }
  const rows: unknown = Array.isArray(value) ? value : (value as { readonly rows?: unknown } | null)?.rows;
  const isRow = (row: unknown): row is TableRow => typeof row === "object" && row !== null && !Array.isArray(row);
  if (!Array.isArray(rows) || rows.length === 0 || !rows.every(isRow))
    throw new Refusal(400, 'The body is { "rows": [{ "column": value, … }, …] }, with at least one row.');
  const isCell = (cell: unknown): boolean => cell === null || ["string", "number", "boolean"].includes(typeof cell);
  for (const [i, row] of rows.entries())
    for (const [name, cell] of Object.entries(row))
      if (!isCell(cell))
        throw new Refusal(400, `Row ${i}, ${JSON.stringify(name)}: a cell is a text, a number, true, false or null.`);
  return rows;
}

const metricsOf = ({ requests, refused, rows, seconds }: Readonly<Record<string, number>>): string =>
  [
    ["ermine_requests_total", "Requests.", requests],
    ["ermine_requests_refused_total", "Requests that were refused.", refused],
    ["ermine_rows_total", "Rows that were predicted.", rows],
    ["ermine_predict_seconds_total", "Seconds that predictions took, bodies included.", seconds],
  ]
    .flatMap(([name, help, value]) => [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, `${name} ${value}`])
    .join("\n")
    .concat("\n");
