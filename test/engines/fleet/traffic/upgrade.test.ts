import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { ask, endpointAt, proxyFor, serving } from "./testTraffic.js";

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 5 });

/** A replica that answers a WebSocket's opening handshake (RFC 6455, 4.2.2) and sends back each frame unmasked, of at most 125 bytes. */
async function echoing(): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const { server, port } = await serving((_, response) => response.end("no upgrade"));
  server.on("upgrade", (request, duplex) => {
    const socket = duplex as Socket;
    sockets.push(socket);
    onTestFinished(() => void socket.destroy());
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end());
    socket.on("data", (frame: Buffer) => {
      const length = (frame[1] ?? 0) & 0x7f;
      const masked = frame.subarray(6, 6 + length);
      const text = masked.map((byte, at) => byte ^ (frame[2 + (at % 4)] ?? 0));
      socket.write(Buffer.concat([Buffer.from([frame[0] ?? 0, length]), text]));
    });
  });
  return { port, sockets };
}

it("passes a WebSocket both ways, from a replica that can be reached, and counts it as in flight until it ends", async () => {
  const { port: replica, sockets } = await echoing();
  const { port, traffic } = await proxyFor(() => [endpointAt(1, 0), endpointAt(replica, 1)]);
  const client = new WebSocket(`ws://127.0.0.1:${port}/live`);
  await once(client, "open");
  client.send("hello");
  expect((await once(client, "message"))[0]).toMatchObject({ data: "hello" });
  const states = () => traffic.status.workloads[0]?.replicas[1];
  expect(states()).toMatchObject({ inFlight: 1 });
  const drained = traffic.drain("replica/web/1");
  await eventually(states).toMatchObject({ state: "draining", inFlight: 1 });
  client.close();
  await eventually(() => sockets.length).toBe(1);
  sockets[0]?.end();
  await drained;
  expect(states()).toMatchObject({ inFlight: 0, errors: 0, p95Ms: null });
});

it("ends one side with the other", async () => {
  const { port: replica, sockets } = await echoing();
  const { port } = await proxyFor(() => [endpointAt(replica)]);
  for (const end of ["client", "replica"]) {
    const client = connect(port, "127.0.0.1");
    client.on("error", () => undefined);
    client.write(
      "GET / HTTP/1.1\r\nhost: web\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n\r\n",
    );
    await once(client, "data");
    const socket = sockets.at(-1);
    if (end === "client") client.resetAndDestroy();
    else socket?.resetAndDestroy();
    await eventually(() => [client.destroyed, socket?.destroyed]).toEqual([true, true]);
  }
});

it("answers other upgrades as if they had not been asked for, and one that no replica takes with 503", async () => {
  const { port: replica } = await echoing();
  const { port } = await proxyFor(() => [endpointAt(replica)]);
  const h2c = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAAP__" };
  expect(await ask(port, { headers: h2c })).toMatchObject({ status: 200, text: "no upgrade" });
  const without = await proxyFor(() => [], { queueTimeoutMs: 1 });
  const client = connect(without.port, "127.0.0.1");
  client.write("GET / HTTP/1.1\r\nhost: web\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  expect(String((await once(client, "data"))[0])).toMatch(/^HTTP\/1.1 503 /);
});
