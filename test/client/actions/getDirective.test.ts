import { describe, expect, it } from "vitest";
import { UnknownDirectiveError } from "../../../src/client/index.js";
import { subjectHash } from "../../../src/records/index.js";
import { failureOf, useTestDao } from "../../harness/dao.js";

describe("getDirective", () => {
  const dao = useTestDao({ nodes: 3 });

  it("fails with UnknownDirectiveError for an id that was never issued", async () => {
    const nothing = subjectHash("nothing");
    expect(await failureOf(dao.client().getDirective({ directiveId: nothing }))).toBeInstanceOf(UnknownDirectiveError);
    expect(await failureOf(dao.client().listReports({ directiveId: nothing }))).toBeInstanceOf(UnknownDirectiveError);
  });
});
