import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";

const run = promisify(execFile);
const ORBITDB = ["@orbitdb/core@4.0.0", "helia@6.0.22", "libp2p@3", "@libp2p/gossipsub@15", "@libp2p/identify@4"];
const ORBITDB_STORE = "blockstore-level@3";
const EAS = "@ethereum-attestation-service/eas-contracts@1.9.0";
const ZERO = `0x${"00".repeat(32)}`;
const NOBODY = `0x${"00".repeat(20)}`;

/** Installs the packages that Witan is compared with in a temporary folder: none is a dependency. */
async function withInstalled<T>(packages: readonly string[], work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "witan-peer-"));
  try {
    await writeFile(join(dir, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"];
    await run("npm", ["install", ...options, ...packages], { cwd: dir });
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Measures OrbitDB on Level, in its own process: documents put and fetched per second. */
export function measureOrbitdb(records: number) {
  return withInstalled([...ORBITDB, ORBITDB_STORE], async (dir) => {
    const script = join(dir, "peer.mjs");
    await copyFile(fileURLToPath(new URL("./orbitdbPeer.mjs", import.meta.url)), script);
    const { stdout } = await run(process.execPath, [script, join(dir, "data"), `${records}`], { cwd: dir });
    return JSON.parse(stdout) as { putPerSecond: number; getPerSecond: number; records: number };
  });
}

/** Measures the Ethereum Attestation Service: gas to attest one record's hash, alone and in a batch of a hundred. */
export function measureEas() {
  return withInstalled([EAS], async (dir) => {
    const { ethers } = await network.create();
    const artifacts = join(dir, "node_modules/@ethereum-attestation-service/eas-contracts/artifacts/contracts");
    const registry = await deployed(ethers, join(artifacts, "SchemaRegistry.sol/SchemaRegistry.json"), []);
    const eas = await deployed(ethers, join(artifacts, "EAS.sol/EAS.json"), [await registry.getAddress()]);
    const gasOf = async (sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) =>
      Number((await (await sent).wait())?.gasUsed ?? 0n);
    await gasOf(registry.getFunction("register")("bytes32 record", NOBODY, true));
    const schema = ethers.solidityPackedKeccak256(["string", "address", "bool"], ["bytes32 record", NOBODY, true]);
    const data = (i: number) => ({
      recipient: NOBODY,
      expirationTime: 0,
      revocable: true,
      refUID: ZERO,
      data: ethers.id(`record ${i}`),
      value: 0,
    });
    const attest = eas.getFunction("attest");
    await gasOf(attest({ schema, data: data(0) }));
    const alone = await gasOf(attest({ schema, data: data(1) }));
    const many = Array.from({ length: 50 }, (_, i) => data(2 + i));
    const together = await gasOf(eas.getFunction("multiAttest")([{ schema, data: many }]));
    return { attest: alone, multiAttest: Math.round(together / many.length) };
  });
}

async function deployed(ethers: HardhatEthers, path: string, args: readonly unknown[]) {
  const { abi, bytecode } = JSON.parse(await readFile(path, "utf8"));
  const [signer] = await ethers.getSigners();
  const contract = await new ethers.ContractFactory(abi, bytecode, signer).deploy(...args);
  await contract.waitForDeployment();
  return contract;
}
