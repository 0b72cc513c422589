import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { subjectHash } from "../../../src/records/index.js";
import { createTestDao, failureOf, restartOrder, type TestDao } from "../../harness/dao.js";

describe("fetchPayload", () => {
  let dao: TestDao;
  beforeAll(async () => {
    dao = await createTestDao({ nodes: 3 });
  });
  afterAll(() => dao.close());

  it("fetches the payload of a directive, which has the whole order", async () => {
    const { proposalId } = await dao.client().openProposal({ order: restartOrder });
    const directive = await dao.client(1).getDirective({ directiveId: await dao.carryOut(proposalId) });
    const payload = await dao.client(1).fetchPayload({ contentId: directive.payload });
    expect(payload).toEqual({ schema: "witan/directive/1", subject: "replica/web/3", order: restartOrder });
    const nowhere = subjectHash("nowhere");
    expect(await failureOf(dao.client(1).fetchPayload({ contentId: nowhere, timeoutMs: 50 }))).toMatchObject({
      code: "content-missing",
    });
  });
});
