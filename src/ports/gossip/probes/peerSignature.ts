import { peerIdFromString } from "@libp2p/peer-id";

/** A node's key as a libp2p peer. */
export interface PeerIdentity {
  readonly peerId: string;
  /** Signs with the key that the peer id names. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Whether a peer has signed these bytes. False for a peer id that does not hold its key, as those of RSA keys do not. */
export async function verifyPeerSignature(peer: string, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    return (await peerIdFromString(peer).publicKey?.verify(bytes, signature)) ?? false;
  } catch {
    // A signature of the wrong length, or no peer id.
    return false;
  }
}
