import { beforeEach, expect, it, onTestFinished } from "vitest";
import { ContentError, type ContentStore } from "../../../src/ports/content/index.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { anchorStates, type CatalogDao, createCatalogDao } from "../testCatalog.js";

const HOUR_MS = 3_600_000;
let dao: CatalogDao;
beforeEach(async () => {
  dao = await createCatalogDao(1);
  onTestFinished(() => dao.close());
});

it.each([-HOUR_MS, HOUR_MS])(
  "fetches what failed at the next sync after the wall clock is set by %d ms",
  async (step) => {
    const clock = new TestClock(frozen(1_800_000_000_000));
    let isOffline = true;
    const content: ContentStore = {
      ...dao.content,
      get(cid, options) {
        if (isOffline) throw new ContentError("missing", "It is out of reach.");
        return dao.content.get(cid, options);
      },
    };
    const catalog = await dao.openCatalog({ clock, content });
    await anchorStates(dao.client(0), 1);
    expect(await catalog.sync()).toMatchObject({ manifests: 0, records: 0 });
    isOffline = false;
    expect(await catalog.sync()).toMatchObject({ manifests: 0, records: 0 });
    clock.stepWall(step);
    expect(await catalog.sync()).toMatchObject({ manifests: 1, records: 1 });
  },
);
