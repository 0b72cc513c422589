import { describe, expect, it } from "vitest";
import { subjectHash } from "../../../src/records/index.js";
import { issue } from "../../harness/client/directives.js";
import { failureOf, restartOrder, useTestDao } from "../../harness/dao.js";

describe("fetchPayload", () => {
  const dao = useTestDao({ nodes: 3 });

  it("fetches the payload of a directive, which has the whole order", async () => {
    const directiveId = await issue(dao, { order: restartOrder });
    const directive = await dao.client(1).getDirective({ directiveId });
    const payload = await dao.client(1).fetchPayload({ contentId: directive.payload });
    expect(payload).toEqual({ schema: "witan/directive/1", subject: "replica/web/3", order: restartOrder });
    const nowhere = subjectHash("nowhere");
    expect(await failureOf(dao.client(1).fetchPayload({ contentId: nowhere, timeoutMs: 50 }))).toMatchObject({
      code: "content-missing",
    });
  });
});
