import { encodeSafetensors, float32Tensor, float32Values, parseSafetensors } from "../../records/index.js";
import { LearningError } from "./errors.js";

/** A model's parameters by name, row-major. */
export type Weights = ReadonlyMap<string, Float32Array<ArrayBuffer>>;
/** The shape of each parameter. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** The safetensors file of a model. The same weights give the same bytes. */
export function encodeWeights(weights: Weights, shapes: Shapes): Uint8Array {
  return encodeSafetensors(
    Object.entries(shapes).map(([name, shape]) => float32Tensor(name, shape, weights.get(name) ?? new Float32Array())),
  );
}

/**
 * The weights in a safetensors file.
 *
 * @throws {LearningError} `bad-weights` where they are not of these shapes or hold a number that is none;
 * {@link InvalidRecordError} where the file is none.
 */
export function decodeWeights(bytes: Uint8Array, shapes: Shapes): Weights {
  const { tensors } = parseSafetensors(bytes);
  const names = Object.keys(shapes);
  if (tensors.length !== names.length) throw bad(`${tensors.length} tensors instead of ${names.length}`);
  return new Map(
    names.map((name) => {
      const tensor = tensors.find((each) => each.name === name);
      if (tensor === undefined || tensor.shape.join() !== shapes[name]?.join())
        throw bad(`${name} is missing or of another shape`);
      const values = float32Values(tensor);
      if (!values.every(Number.isFinite)) throw bad(`${name} holds a number that is none`);
      return [name, values];
    }),
  );
}

/** The Euclidean distance between two models. */
export function distance(a: Weights, b: Weights): number {
  let sum = 0;
  for (const [name, values] of a) {
    const others = b.get(name);
    for (let i = 0; i < values.length; i++) sum += ((values[i] ?? 0) - (others?.[i] ?? 0)) ** 2;
  }
  return Math.sqrt(sum);
}

function bad(reason: string): LearningError {
  return new LearningError("bad-weights", `These are not the task's weights: ${reason}.`);
}
