import fc from "fast-check";
import { expect, it } from "vitest";
import { InvalidInputError } from "../../../../src/errors.js";
import { type BlockCodec, BlockCodecs, contentIdOf, contentIdToCid } from "../../../../src/records/index.js";
import { parseContentId } from "../../../../src/surfaces/cli/input/contentId.js";

const codecs = Object.keys(BlockCodecs) as BlockCodec[];

it("takes one ContentId for the same block, given as a CID of any codec or as the chain writes it", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom(...codecs), (bytes, codec) => {
      const contentId = contentIdOf(bytes);
      expect([contentId, contentIdToCid(contentId, codec)].map(parseContentId)).toEqual([contentId, contentId]);
    }),
  );
});

it("takes nothing else, so that no command asks for a block that cannot be", () => {
  const contentId = contentIdOf(Uint8Array.of(1));
  const cid = contentIdToCid(contentId);
  const wrong = ["", "web", contentId.toUpperCase(), contentId.slice(0, -1), contentId.slice(2), ` ${contentId}`];
  for (const text of [...wrong, cid.toUpperCase(), cid.slice(0, -1), `ipfs://${cid}`, `/ipfs/${cid}`]) {
    expect(() => parseContentId(text), text).toThrow(InvalidInputError);
  }
});
