// The least a Bun proxy can do: read the body, ask the upstream, hand its stream on.  bun bench/minimal-proxy.ts ORIGIN PORT
const [origin = "", port] = process.argv.slice(2);

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  development: false,
  reusePort: false,
  idleTimeout: 0,
  async fetch(request) {
    const { url } = request;
    const body = await request.bytes();
    const headers = new Headers(request.headers);
    for (const name of ["host", "connection", "content-length"]) headers.delete(name);
    const answer = await fetch(origin + url.slice(url.indexOf("/", 8)), {
      method: request.method,
      headers,
      body,
      redirect: "manual",
      decompress: false,
      signal: request.signal,
    });
    const out = new Headers(answer.headers);
    for (const name of ["transfer-encoding", "content-length", "connection"]) out.delete(name);
    return new Response(answer.body, { status: answer.status, headers: out });
  },
});
