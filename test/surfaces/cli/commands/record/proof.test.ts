import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { record } from "../../../../../src/surfaces/cli/commands/record/record.js";
import { ExitCodes } from "../../../../../src/surfaces/cli/exitCodes.js";
import { incidentOf } from "../../../../harness/dao.js";
import { type Network, run, startNetwork } from "../../../network.js";

let network: Network;
let base: readonly string[];
let cid: string;
let file: string;

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  file = join(network.dir, "proof.json");
  const { records } = await network.setting
    .client(0)
    .anchorRecords({ records: [{ kind: "Incident", value: incidentOf("replica/web/3") }] });
  cid = records[0]?.cid ?? "";
});
afterAll(() => network.close());

describe("witan record prove and verify", () => {
  it("write a file that is checked without a network, and with one", async () => {
    const wrote = await run(record, "prove", cid, "--out", file, ...base);
    expect(wrote.code).toBe(0);
    expect(wrote.out).toContain(`witan record verify ${file}`);

    // There is no such network file: nothing is asked of anybody.
    const offline = await run(record, "verify", file, "--network", join(network.dir, "none.json"));
    expect(offline.out).toContain("hash, schema, path and the author's signature hold");
    expect(offline.out).toContain(cid);
    const json = JSON.parse((await run(record, "verify", file, "--json", "--network", "none")).out);
    expect(json).toMatchObject({ verified: true, online: false, cid, kind: "Incident" });

    const online = await run(record, "verify", file, "--online", ...base);
    expect(online.out).toMatch(/confirmations +[1-9]/);
    const confirmed = JSON.parse((await run(record, "verify", file, "--online", "--json", ...base)).out);
    expect(confirmed).toMatchObject({ verified: true, online: true, sequence: 1 });
  });

  it("refuse a file that was altered, and say what a file that is none lacks", async () => {
    await run(record, "prove", cid, "--out", file, ...base);
    const proof = JSON.parse(await readFile(file, "utf8"));
    const path = join(network.dir, "altered.json");
    await writeFile(path, JSON.stringify({ ...proof, path: [proof.root] }));
    const altered = await run(record, "verify", path);
    expect([altered.code, String(altered.error)]).toEqual([
      ExitCodes.refused,
      expect.stringContaining("does not show that record"),
    ]);
    const elsewhere = { ...proof.anchor, block: { ...proof.anchor.block, number: 1 } };
    await writeFile(path, JSON.stringify({ ...proof, anchor: elsewhere }));
    expect((await run(record, "verify", path)).code).toBe(ExitCodes.ok);
    expect((await run(record, "verify", path, "--online", ...base)).code).toBe(ExitCodes.refused);

    for (const [content, message] of [
      ["{", "is not JSON"],
      ["{}", "not a proof of a record"],
    ] as const) {
      await writeFile(path, content);
      const { code, error } = await run(record, "verify", path);
      expect([code, String(error)]).toEqual([ExitCodes.usage, expect.stringContaining(message)]);
    }
    const missing = await run(record, "verify", join(network.dir, "missing.json"));
    expect([missing.code, String(missing.error)]).toEqual([
      ExitCodes.usage,
      expect.stringContaining("neither a CID nor a file"),
    ]);
  });

  it("refuse a proof of another author than the one asked for", async () => {
    await run(record, "prove", cid, "--out", file, ...base);
    const stranger = `0x${"11".repeat(20)}`;
    expect((await run(record, "verify", file, "--author", stranger)).code).toBe(ExitCodes.usage);
  });
});
