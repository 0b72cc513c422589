import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { ask, endpointAt, proxyFor, serving } from "./testTraffic.js";

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 5 });
/** Nothing listens there: ports below 1024 are given to nobody. */
const NOWHERE = 1;

describe("the name of a workload", () => {
  it("is the first label of the host, or what the configuration says of the host", async () => {
    const { port: replica } = await serving((_, response) => response.end("hello"));
    const { port } = await proxyFor(() => [endpointAt(replica)], { hosts: { "shop.example.org": "web" } });
    const status = async (host: string, path = "/") => (await ask(port, { headers: { host }, path })).status;
    expect(await status("web.example.org")).toBe(200);
    expect(await status("WEB:8080")).toBe(200);
    expect(await status("shop.example.org")).toBe(200);
    expect(await status("other.example.org")).toBe(404);
    // The absolute form that clients use with proxies.
    expect(await status("other.example.org", "http://web.example.org/")).toBe(200);
    expect(await status("web", "*")).toBe(400);
  });
});

describe("a request", () => {
  it("reaches the replica with its own headers, without those of the connection, and with where it came from", async () => {
    let seen: IncomingMessage | undefined;
    const { port: replica } = await serving((received, response) => {
      seen = received;
      response
        .setHeader("connection", "x-internal")
        .setHeader("x-internal", "secret")
        .setHeader("set-cookie", ["a=1", "b=2"]);
      response.end("hello");
    });
    const { port } = await proxyFor(() => [endpointAt(replica)]);
    const headers = {
      ...{ host: "web.example.org", cookie: "c=3", connection: "keep-alive, x-hop", "x-hop": "1", te: "trailers" },
      ...{
        "proxy-authorization": "secret",
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-proto": "https",
        forwarded: "for=6.6.6.6",
      },
    };
    const answer = await ask(port, { path: "/a//b?c=d", headers });
    expect(answer).toMatchObject({ status: 200, text: "hello", headers: { "set-cookie": ["a=1", "b=2"] } });
    expect(answer.headers).not.toHaveProperty("x-internal");
    expect(seen?.url).toBe("/a//b?c=d");
    expect(seen?.headers).toEqual({
      ...{ host: "web.example.org", cookie: "c=3", connection: "keep-alive" },
      ...{ "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "web.example.org" },
      ...{ "x-forwarded-port": String(port), "x-forwarded-proto": "http" },
    });
    const trusting = await proxyFor(() => [endpointAt(replica)], { trustForwarded: true });
    await ask(trusting.port, { headers });
    expect(seen?.headers).toMatchObject({ "x-forwarded-for": "6.6.6.6, 127.0.0.1", "x-forwarded-proto": "https" });
  });

  it("and its answer pass as they come, whatever their length", async () => {
    const { port: replica } = await serving((received, response) => void received.pipe(response));
    const { port } = await proxyFor(() => [endpointAt(replica)]);
    const sent = request({ host: "127.0.0.1", port, method: "POST" });
    sent.write("first");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    expect(String((await once(response, "data"))[0])).toBe("first");
    const chunk = Buffer.alloc(1_048_576, "x");
    let bytes = 0;
    response.on("data", (data: Buffer) => {
      bytes += data.length;
    });
    for (let n = 0; n < 8; n++) sent.write(chunk);
    sent.end();
    await once(response, "end");
    expect(bytes).toBe(8 * chunk.length);
  });

  it("whose headers are too large is refused, and the next is served", async () => {
    const { port: replica } = await serving((_, response) => response.end("hello"));
    const { port } = await proxyFor(() => [endpointAt(replica)]);
    expect(await ask(port, { headers: { "x-large": "x".repeat(17_000) }, agent: false })).toMatchObject({
      status: 431,
    });
    expect(await ask(port)).toMatchObject({ status: 200 });
  });

  it("closes the client's connection if the client asked for it", async () => {
    const { port: replica } = await serving((_, response) => response.end("hello"));
    const { port } = await proxyFor(() => [endpointAt(replica)]);
    expect((await ask(port, { agent: false, headers: { connection: "close" } })).headers.connection).toBe("close");
    const old = connect(port, "127.0.0.1");
    old.write("GET / HTTP/1.0\r\n\r\n");
    let text = "";
    for await (const chunk of old.setEncoding("utf8")) text += chunk;
    expect(text).toMatch(/^HTTP\/1.1 200 [\s\S]*hello$/);
  });
});

describe("a replica that cannot be reached", () => {
  it("costs no request: another gets it, with its body, whatever its method", async () => {
    const { port: replica } = await serving((received, response) => void received.pipe(response));
    const { port, traffic } = await proxyFor(() => [endpointAt(NOWHERE, 0), endpointAt(replica, 1)]);
    for (let n = 0; n < 4; n++)
      expect(await ask(port, { method: "POST", body: `body ${n}` })).toMatchObject({ status: 200, text: `body ${n}` });
    const [web] = traffic.status.workloads;
    expect(web?.replicas).toMatchObject([
      { subject: "replica/web/0", requests: 1, errors: 1, inFlight: 0 },
      { subject: "replica/web/1", state: "serving", requests: 4, errors: 0, inFlight: 0 },
    ]);
    expect(web).toMatchObject({ requests: 5, errors: 1, p95Ms: expect.any(Number) });
  });

  it("makes requests wait for one that can, and is told after a while", async () => {
    const endpoints = [endpointAt(NOWHERE, 0)];
    const { port, traffic } = await proxyFor(() => endpoints, { queueTimeoutMs: 60_000, refreshEveryMs: 60_000 });
    const answer = ask(port);
    await eventually(() => traffic.status.workloads[0]?.waiting).toBe(1);
    const { port: replica } = await serving((_, response) => response.end("late"));
    endpoints.splice(0, 1, endpointAt(replica, 1));
    await traffic.refresh();
    expect(await answer).toMatchObject({ status: 200, text: "late" });
    const impatient = await proxyFor(() => [], { queueTimeoutMs: 1 });
    expect(await ask(impatient.port)).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
  });
});

describe("a replica that fails in the middle", () => {
  it("has a GET tried again, and a POST answered with 502", async () => {
    let asked = 0;
    const { port: replica } = await serving((received, response) => {
      if (asked++ % 2 === 0) received.socket.resetAndDestroy();
      else response.end("second try");
    });
    const { port } = await proxyFor(() => [endpointAt(replica)]);
    expect(await ask(port)).toMatchObject({ status: 200, text: "second try" });
    expect(await ask(port, { method: "POST", body: "once" })).toMatchObject({ status: 502 });
    expect(asked).toBe(3);
  });

  it("breaks the client's connection if the answer has begun, and counts as an error", async () => {
    const { port: replica } = await serving((_, response) => {
      response.writeHead(200, { "content-length": "10" });
      response.write("half", () => response.socket?.resetAndDestroy());
    });
    const { port, traffic } = await proxyFor(() => [endpointAt(replica)]);
    await expect(ask(port, { agent: false })).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(traffic.status.workloads[0]).toMatchObject({ requests: 1, errors: 1 });
  });

  it("is waited for as long as the configuration says, and not longer", async () => {
    const { port: replica } = await serving(() => undefined);
    const { port } = await proxyFor(() => [endpointAt(replica)], { idleTimeoutMs: 20 });
    expect(await ask(port, { method: "POST" })).toMatchObject({ status: 504 });
  });
});

describe("a client that goes away", () => {
  it("has its request ended at the replica too, before and after the answer has begun, and is no error", async () => {
    const closed: boolean[] = [];
    const { port: replica } = await serving((received: IncomingMessage, response: ServerResponse) => {
      response.once("close", () => closed.push(response.writableFinished));
      if (received.url === "/begun") response.write("for ever");
    });
    const { port, traffic } = await proxyFor(() => [endpointAt(replica)]);
    for (const path of ["/silent", "/begun"]) {
      const sent = request({ host: "127.0.0.1", port, path });
      sent.on("error", () => undefined);
      sent.end();
      const inFlight = () => traffic.status.workloads[0]?.replicas[0]?.inFlight;
      if (path === "/begun") await once(sent, "response");
      else await eventually(inFlight).toBe(1);
      sent.destroy();
      await eventually(inFlight).toBe(0);
    }
    await eventually(() => closed).toEqual([false, false]);
    expect(traffic.status.workloads[0]).toMatchObject({ requests: 2, errors: 0 });
  });

  it("with a reset, at any moment, does not end the proxy", async () => {
    const { port: replica } = await serving((_, response) => response.end("hello"));
    const { port } = await proxyFor(() => [endpointAt(replica)], { queueTimeoutMs: 1 });
    const heads = [
      "",
      "GET / HT",
      "GET / HTTP/1.1\r\nhost: web\r\n\r\n",
      "POST / HTTP/1.1\r\nhost: web\r\ncontent-length: 9\r\n\r\nhalf",
    ];
    const upgrade = "GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    for (const head of [...heads, upgrade]) {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      await new Promise((written) => socket.write(head || "\r\n", written));
      socket.resetAndDestroy();
    }
    expect(await ask(port)).toMatchObject({ status: 200 });
  });
});
