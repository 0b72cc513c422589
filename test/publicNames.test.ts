import { expect, it } from "vitest";
import * as catalog from "../src/catalog/index.js";
import * as witan from "../src/index.js";
import * as helia from "../src/ports/content/drivers/helia.js";

// A change here is a change for everybody who imports the package: it belongs in the changelog.
it("exports these names and no others", () => {
  expect(Object.keys(witan).sort()).toMatchSnapshot("witan");
  expect(Object.keys(helia).sort()).toMatchSnapshot("witan/helia");
  expect(Object.keys(catalog).sort()).toMatchSnapshot("witan/catalog");
});
