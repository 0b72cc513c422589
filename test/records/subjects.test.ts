import { id } from "ethers";
import { expect, it } from "vitest";
import { nameOfSubject, replicaName, replicaSubject, subjectHash, workloadSubject } from "../../src/records/index.js";

it("names a workload and its replicas", () => {
  expect(workloadSubject("web")).toBe("workload/web");
  expect(replicaSubject(replicaName("web", 3))).toBe("replica/web/3");
  expect(nameOfSubject("replica/web/3")).toBe("web/3");
  expect(nameOfSubject("node/3")).toBe("3");
});

it("is hashed as ethers hashes text", () => {
  expect(subjectHash("replica/web/3")).toBe(id("replica/web/3"));
  expect(subjectHash("workload/wäb")).toBe(id("workload/wäb"));
});
