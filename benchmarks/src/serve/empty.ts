/** A server that reads bodies and answers a constant: the time that HTTP takes alone. */
import { createServer } from "node:http";

const answer = '{"predictions":[{"prediction":"Adelie"}]}';
const headers = { "content-type": "application/json; charset=utf-8", "content-length": answer.length };

const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, headers).end(answer));
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: (server.address() as { readonly port: number }).port })));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
