/** `ermine serve`: a model behind HTTP, until it is told to stop. */
import { serveModel, type ServeOptions } from "../serve/server.js";
import type { Output } from "../run/output.js";

/** @returns the exit status, when SIGINT or SIGTERM has ended it */
export async function serve(options: ServeOptions, output: Output): Promise<number> {
  const server = await serveModel(options);
  const reload = (): void =>
    void server.reload().then(
      () => output.note(`${options.model} was read again.`),
      (error: unknown) => output.note(`${(error as Error).message} The model that was there stays.`),
    );
  process.on("SIGHUP", reload);
  const isToldToEnd = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  // Whoever is told that it listens may send signals.
  output.event("listening", { host: options.host, port: server.port });
  output.say(
    `${options.model} answers at http://${options.host}:${server.port}/predict (see /openapi.json). Ctrl+C ends it, SIGHUP reads the file again.`,
  );
  await isToldToEnd;
  process.off("SIGHUP", reload);
  await server.close();
  output.event("end", {});
  return 0;
}
