import { expect, it } from "vitest";
import { CatalogError, type CatalogErrorKind } from "../../src/catalog/errors.js";

it.each<[CatalogErrorKind, "rebuild" | "retry" | undefined]>([
  ["no-sqlite", undefined],
  ["corrupt", "rebuild"],
  ["foreign", "rebuild"],
  ["outdated", "rebuild"],
  ["other-deployment", "rebuild"],
  ["busy", "retry"],
  ["storage", undefined],
  ["no-full-text", undefined],
  ["overrun", "retry"],
  ["closed", undefined],
])("says of %s what mends it: %s", (kind, remedy) => {
  const error = new CatalogError(kind, "It cannot be used.");
  expect(error).toMatchObject({ kind, code: `catalog-${kind}`, retryable: remedy === "retry" });
  expect(error.needsRebuild).toBe(remedy === "rebuild");
  expect(error.hints.join().includes("witan catalog rebuild")).toBe(remedy === "rebuild");
});

it("gives the hints of its thrower rather than its own", () => {
  const error = new CatalogError("corrupt", "It is damaged.", { hints: ["Look at the disk."] });
  expect(error.hints).toEqual(["Look at the disk."]);
  expect(error.needsRebuild).toBe(true);
});
