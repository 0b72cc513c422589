/** A file of a bundle that peers can serve. */
export interface BundleSourceFile {
  /** Relative, with `/` between names; never one that leaves the bundle's folder. */
  readonly path: string;
  readonly bytes: number;
  readonly isExecutable: boolean;
  /** The bytes in order, checked against the bundle's CID, and as many as `bytes` says. */
  read(): AsyncIterable<Uint8Array>;
}

export interface OpenBundleOptions {
  /** The most bytes of all files together; more are refused. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Which files are opened, by their paths; all by default. */
  readonly only?: (path: string) => boolean;
  readonly signal?: AbortSignal;
}

/** Where the files of bundles come from: this node's block store and its peers. */
export interface BundleSource {
  /**
   * The files of the directory of this CID. Throws a `BaseError`, of the code `content-too-large` or
   * `content-invalid-cid` if it is not such a directory.
   */
  openTree(cid: string, options: OpenBundleOptions): AsyncIterable<BundleSourceFile>;
}
