/** A static host that knows nothing of what it serves: Python's, which sends no header of its own. */
import { spawn } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { vi } from "vitest";

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface StaticHost {
  /** With a slash at its end. */
  readonly address: string;
  close(): Promise<void>;
}

export async function servePython(folder: string, port?: number): Promise<StaticHost> {
  const listening = port ?? (await freePort());
  const address = `http://127.0.0.1:${listening}/`;
  const args = ["-m", "http.server", String(listening), "--bind", "127.0.0.1", "--directory", folder];
  const child = spawn("python3", args, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const answer = async (): Promise<void> => {
    if (!(await fetch(address)).ok) throw new Error(`${address} is not there.`);
  };
  await vi.waitFor(answer, { timeout: 20_000 });
  return {
    address,
    async close() {
      child.kill();
      await ended;
    },
  };
}
