/** Bytes of a record's block: a quarter of the largest that every Bitswap peer accepts (1 MiB). Records cite files by CID. */
export const MAX_RECORD_BYTES = 256 * 1024;

/** Levels of nesting. The deepest schema has 5; more would be an attack on the decoder's stack. */
export const MAX_DEPTH = 16;

/** A parameter, flag or model name: a short string in a bytes32 on chain. */
export const MAX_NAME_BYTES = 31;

/** Characters in the name of a workload, replica, task, probe or fact: as many as in a DNS name. */
export const MAX_LABEL_LENGTH = 253;

/** Free text that people read: notes, reasons, observed values. */
export const MAX_TEXT_LENGTH = 1_024;

/** Facts of an incident: observations of a probe, not a log. */
export const MAX_FACTS = 64;

/** Nodes named in one record: twice the 500 nodes of the largest mesh planned. */
export const MAX_NODES = 1_024;

/** Tensors of one model: some large networks have about 1,000. */
export const MAX_TENSORS = 2_048;

/** Dimensions of a tensor. numpy stops at 64, ONNX models stay under 8. */
export const MAX_RANK = 8;

/** Records that one record descends from or produces. */
export const MAX_LINKS = 64;

/** The arguments of a command. */
export const MAX_ARGUMENTS = 64;

/** The files of a signed release: its payload must fit {@link MAX_RECORD_BYTES}, about 150 bytes a file. */
export const MAX_FILES = 512;

/** The labels of a host: its descriptor must fit what the chain takes of it, 1,024 bytes. */
export const MAX_LABELS = 16;

/** The addresses of a host. */
export const MAX_ADDRESSES = 4;

/** Replicas that one host runs, as it may say. What counts is bounded by vote besides. */
export const MAX_SLOTS = 1_024;

/** Replicas of one workload: some on each of the hosts planned for, of which there are {@link MAX_NODES} at most. */
export const MAX_REPLICAS = 10_000;

/** The stages of a canary: people look at each. */
export const MAX_STAGES = 16;

/** The files of a bundle: a service with all that it depends on has up to about 10,000. */
export const MAX_BUNDLE_FILES = 32_768;

/** The bytes of a bundle. What is larger is an image, or data that a service fetches for itself. */
export const MAX_BUNDLE_BYTES = 4 * 1024 ** 3;

/** The bytes of a file's path in a bundle, and of each name in it: the kernel takes 4,095 and 255. */
export const MAX_PATH_BYTES = 1_024;
export const MAX_FILE_NAME_BYTES = 255;

/** The variables in the environment of a release. */
export const MAX_VARIABLES = 64;

/** Rounds that one directive may start. */
export const MAX_ROUNDS = 10;

/** Records that a directive may cite, as on chain. */
export const MAX_EVIDENCE = 16;

/** Records under one anchor: the manifest must fit {@link MAX_RECORD_BYTES}, about 100 bytes a leaf. */
export const MAX_BATCH_LEAVES = 1_024;

/** Batches under one joint anchor: its manifest must fit {@link MAX_RECORD_BYTES}, about 380 bytes a batch. */
export const MAX_JOINT_BATCHES = 512;

/** Siblings in a Merkle proof: enough for 2^64 leaves, the anchor's count. */
export const MAX_PROOF_LENGTH = 64;

/** The largest value of a uint32, as in the durations of a track or directive. */
export const MAX_UINT32 = 0xffff_ffff;

/** The whole that the shares of a track are of, as on chain: thirds, fifths and percents of it are whole numbers. */
export const SHARE_DENOMINATOR = 60_000;

/** Levels of a tree whose positions are the indices of nodes: an index has so many bits. */
export const MAX_POSITION_DEPTH = 32;
