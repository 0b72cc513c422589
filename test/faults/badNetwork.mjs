// Loaded before a program (`node --import`): a bad network between it and others on this machine. The file that
// WITAN_NETWORK_FILE names has `{ "cut": [ports], "delayMs": n }`: connections that it opens to these ports are reset, and refused
// while they stand there; what it writes to any other that it has opened waits so long. Connections that others open to it are
// theirs to cut: a partition is written into the files of both sides.
import { Socket } from "node:net";
import { followFile } from "./controlFile.mjs";

let cut = new Set();
let delayMs = 0;
/** The connections that this process has opened, by the port they go to. */
const opened = new Map();

function isCut(port) {
  return cut.has(port);
}

followFile("WITAN_NETWORK_FILE", (text) => {
  const said = text === "" ? {} : JSON.parse(text);
  cut = new Set(said.cut ?? []);
  delayMs = said.delayMs ?? 0;
  for (const [socket, port] of opened) if (isCut(port)) socket.resetAndDestroy();
});

if (process.env.WITAN_NETWORK_FILE !== undefined) {
  const { connect, _write, _writev } = Socket.prototype;
  Socket.prototype.connect = function (...args) {
    // Node itself passes the arguments of net.connect as one array.
    const [first] = Array.isArray(args[0]) ? args[0] : args;
    const port = Number(typeof first === "object" && first !== null ? first.port : first);
    if (isCut(port)) {
      process.nextTick(() =>
        this.destroy(Object.assign(new Error(`no route to port ${port}`), { code: "EHOSTUNREACH" })),
      );
      return this;
    }
    if (Number.isInteger(port)) {
      opened.set(this, port);
      this.once("close", () => opened.delete(this));
    }
    return connect.apply(this, args);
  };
  // In order: each write waits as long as the one before it.
  const late = (write) =>
    function (...args) {
      if (delayMs === 0 || !opened.has(this)) return write.apply(this, args);
      setTimeout(() => write.apply(this, args), delayMs);
    };
  Socket.prototype._write = late(_write);
  Socket.prototype._writev = late(_writev);
}
