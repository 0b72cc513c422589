import { encodeSafetensors, float32Tensor, float32Values, parseSafetensors } from "../../../records/index.js";
import { LearningError } from "../errors.js";

/** A model's parameters by name, row-major. */
export type WeightsTensors = ReadonlyMap<string, Float32Array<ArrayBuffer>>;
/** The shape of each parameter. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** The safetensors file of a model. The same weights give the same bytes. */
export function encodeWeights(weights: WeightsTensors, shapes: Shapes): Uint8Array {
  return encodeSafetensors(
    Object.entries(shapes).map(([name, shape]) => float32Tensor(name, shape, weights.get(name) ?? new Float32Array())),
  );
}

/**
 * The weights in a safetensors file.
 *
 * @throws {LearningError} `bad-weights` if they are not of these shapes or hold a value that is not finite;
 * {@link InvalidRecordError} if it is not a safetensors file.
 */
export function decodeWeights(bytes: Uint8Array, shapes: Shapes): WeightsTensors {
  const { tensors } = parseSafetensors(bytes);
  for (const { name, shape, dtype } of tensors) {
    if (shape.join() !== shapes[name]?.join() || dtype !== "F32") throw bad(`${name} is unknown or of another shape`);
  }
  const weights = new Map(tensors.map((tensor) => [tensor.name, float32Values(tensor)]));
  checkWeights(weights, shapes);
  return weights;
}

/** @throws {LearningError} `bad-weights` if a parameter is missing, unknown, of another size or not finite. */
export function checkWeights(weights: WeightsTensors, shapes: Shapes): void {
  const names = Object.keys(shapes);
  if (weights.size !== names.length) throw bad(`${weights.size} tensors instead of ${names.length}`);
  for (const name of names) {
    const values = weights.get(name);
    const size = shapes[name]?.reduce((product, dimension) => product * dimension, 1);
    if (values?.length !== size) throw bad(`${name} is missing or of another shape`);
    if (!values?.every(Number.isFinite)) throw bad(`${name} holds a value that is not finite`);
  }
}

/** The Euclidean distance between two models. */
export function distance(a: WeightsTensors, b: WeightsTensors): number {
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
