/** Requests to a server on loopback: so many connections, each of which asks again when it was answered. */
import { Agent, request } from "node:http";

/** What is asked. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Bodies of POST /predict, taken in turns. */
  readonly bodies: readonly string[];
}

/** What came of it. */
export interface Answers {
  /** Answers with the status 200. */
  readonly count: number;
  /** Others. */
  readonly refused: number;
  /** Milliseconds within which so many per cent were answered. */
  percentile(percent: number): number;
}

export async function askRepeatedly({ port, connections, seconds, bodies }: Load): Promise<Answers> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const milliseconds: number[] = [];
  let refused = 0;
  let next = 0;
  const end = performance.now() + seconds * 1000;
  const ask = (body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const sent = request({ agent, host: "127.0.0.1", port, path: "/predict", method: "POST", headers }, (response) => {
        response.on("error", reject);
        response.resume().on("end", () => resolve(response.statusCode!));
      });
      sent.on("error", reject).end(body);
    });
  const connection = async (): Promise<void> => {
    while (performance.now() < end) {
      const started = performance.now();
      const status = await ask(bodies[next++ % bodies.length]!);
      if (status === 200) milliseconds.push(performance.now() - started);
      else refused++;
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  agent.destroy();
  const sorted = Float64Array.from(milliseconds).sort();
  return {
    count: sorted.length,
    refused,
    percentile: (percent) => sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? Number.NaN,
  };
}
