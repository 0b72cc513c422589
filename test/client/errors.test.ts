import { expect, it } from "vitest";
import {
  AttemptsExhaustedError,
  InvalidManifestError,
  InvalidProofError,
  NotAnchoredError,
  ProposalStateError,
  UnknownDirectiveError,
  UnknownProposalError,
  WrongAuthorError,
} from "../../src/client/errors.js";
import { idOf, NODE, OTHER } from "../records/samples.js";

const id = idOf("record");

it.each([
  [new NotAnchoredError(id), "not-anchored"],
  [new WrongAuthorError(id, NODE, [OTHER]), "wrong-author"],
  [new InvalidProofError(id, idOf("root")), "invalid-proof"],
  [new InvalidManifestError(idOf("root"), "it is empty"), "invalid-manifest"],
  [new UnknownProposalError("7"), "unknown-proposal"],
  [new UnknownDirectiveError(id), "unknown-directive"],
  [new ProposalStateError("7", "Active", "queued"), "proposal-state"],
  [new AttemptsExhaustedError("SetFlag"), "attempts-exhausted"],
])("%s has a code of its own, and another attempt does not mend it", (error, code) => {
  expect(error).toMatchObject({ code, retryable: false, name: error.constructor.name });
});

it("says of a record in no anchor to try again only while anchors are unread", () => {
  expect(new NotAnchoredError(id, 3)).toMatchObject({
    retryable: true,
    details: expect.stringMatching(/^3 anchors could not be searched/),
  });
  expect(new NotAnchoredError(id, 0).details).toBeUndefined();
});

it("names who has anchored a record instead", () => {
  const error = new WrongAuthorError(id, NODE, [OTHER]);
  expect(error).toMatchObject({ expected: NODE, found: [OTHER], contentId: id });
  expect(error.details).toContain(OTHER);
});

it("keeps what was wrong with a manifest as its cause", () => {
  const cause = new Error("no dag-cbor");
  expect(new InvalidManifestError(idOf("root"), "it cannot be read", cause)).toMatchObject({ cause });
});
