import { describe, expect, it } from "vitest";
import { decodeHost, encodeHost, type HostDescriptor } from "../../../src/records/index.js";

const host: HostDescriptor = {
  schema: "witan/host/1",
  labels: { zone: "a", "example.org/disk": "ssd" },
  addresses: ["10.0.0.7:7000", "[2001:db8::7]:65535", "host-7.example.org:80"],
  slots: 8,
  draining: false,
};

describe("what a host says about itself", () => {
  it("is read as it was written", () => {
    expect(decodeHost(encodeHost(host).bytes)).toEqual(host);
  });

  it.each<[string, Partial<Record<keyof HostDescriptor, unknown>>]>([
    ["a label without a name", { labels: { "": "a" } }],
    ["a label's name in two lines", { labels: { "a\nb": "c" } }],
    ["a label's value with a blank", { labels: { zone: "a b" } }],
    ["more labels than it may", { labels: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, "x"])) }],
    ["an address without a port", { addresses: ["10.0.0.7"] }],
    ["an address with a port that does not exist", { addresses: ["10.0.0.7:65536"] }],
    ["an address with a path", { addresses: ["10.0.0.7:80/admin"] }],
    ["an address with a user", { addresses: ["root@10.0.0.7:80"] }],
    ["an address twice", { addresses: ["a:1", "a:1"] }],
    ["more addresses than it may", { addresses: ["a:1", "a:2", "a:3", "a:4", "a:5"] }],
    ["fewer slots than none", { slots: -1 }],
    ["half a slot", { slots: 0.5 }],
    ["more slots than it may", { slots: 1_025 }],
    ["something else besides", { owner: "me" } as never],
  ])("is refused with %s", (_, wrong) => {
    expect(() => encodeHost({ ...host, ...wrong } as HostDescriptor)).toThrow("HostDescriptor");
  });
});
