import { defaultDevice, grad, init, jit, nn, numpy as np } from "@jax-js/jax";
import { DIGITS, PIXELS, type Samples } from "./mnist.js";
import { seededRandom, shuffle } from "./random.js";
import type { Evaluation, LearningTask, TrainOptions } from "./task.js";
import type { Shapes, Weights } from "./weights.js";

/*
 * jax-js: JAX's interface on WebAssembly, maintained, MIT, 2 MB installed. TensorFlow.js does the same in 65 MB and has
 * not been released since 2024. A function here owns its arguments and frees them: `.ref` keeps one.
 */
type Tensor = ReturnType<typeof np.array>;

const HIDDEN = 32;
const SHAPES: Shapes = {
  "hidden.weight": [PIXELS, HIDDEN],
  "hidden.bias": [HIDDEN],
  "output.weight": [HIDDEN, DIGITS],
  "output.bias": [DIGITS],
};
const NAMES = Object.keys(SHAPES);
/** Honest rounds end 2 to 6 from where they began; five times that is no training. */
const MAX_DISTANCE = 30;
const EVALUATION_BATCH = 500;
/** Batches between two breaths: the agent's other duties go on while it trains. */
const BATCHES_AT_ONCE = 4;

function logits(parameters: Tensor[], images: Tensor): Tensor {
  const [hidden, hiddenBias, output, outputBias] = parameters as [Tensor, Tensor, Tensor, Tensor];
  const active = nn.relu(np.add(np.matmul(images, hidden), hiddenBias));
  return np.add(np.matmul(active, output), outputBias);
}

function crossEntropy(parameters: Tensor[], images: Tensor, digits: Tensor): Tensor {
  return np.mean(np.sum(nn.logSoftmax(logits(parameters, images), -1).mul(digits), -1)).mul(-1);
}

const step = jit((parameters: Tensor[], images: Tensor, digits: Tensor, learningRate: Tensor) => {
  const kept = parameters.map((each) => each.ref);
  const slopes = grad(crossEntropy)(kept, images, digits) as unknown as Tensor[];
  const next = parameters.map((each, i) => each.sub((slopes[i] as Tensor).mul(learningRate.ref)));
  learningRate.dispose();
  return next;
});
const forward = jit(logits);

let ready: Promise<void> | undefined;

function start(): Promise<void> {
  ready ??= (async () => {
    await init("wasm");
    defaultDevice("wasm");
  })();
  return ready;
}

/** A perceptron with one hidden layer of 32 that tells digits: 25,450 parameters. */
export const mnistPerceptron: LearningTask = {
  name: "mnist",
  shapes: SHAPES,
  maxDistance: MAX_DISTANCE,

  /** Glorot and Bengio's uniform start for weights, zero for biases. */
  init(seed) {
    const random = seededRandom(seed);
    return new Map(
      Object.entries(SHAPES).map(([name, shape]) => {
        const [rows = 0, columns = 0] = shape;
        const limit = shape.length === 2 ? Math.sqrt(6 / (rows + columns)) : 0;
        const length = shape.reduce((product, size) => product * size, 1);
        return [name, Float32Array.from({ length }, () => (random() * 2 - 1) * limit)];
      }),
    );
  },

  async train(weights, samples, options: TrainOptions) {
    await start();
    const { epochs, learningRate, seed, signal } = options;
    const batchSize = Math.min(options.batchSize, samples.labels.length);
    const order = Uint32Array.from(samples.labels, (_, i) => i);
    const random = seededRandom(seed);
    let parameters = load(weights);
    for (let epoch = 0; epoch < epochs; epoch++) {
      shuffle(order, random);
      for (let at = 0; at + batchSize <= order.length; at += batchSize) {
        const { images, digits } = batch(samples, order.subarray(at, at + batchSize));
        parameters = step(parameters, images, digits, np.array(learningRate)) as unknown as Tensor[];
        if ((at / batchSize) % BATCHES_AT_ONCE === 0) {
          await new Promise((resolve) => setImmediate(resolve));
          signal.throwIfAborted();
        }
      }
    }
    const values = await Promise.all(parameters.map((each) => each.data()));
    return new Map(NAMES.map((name, i) => [name, Float32Array.from(values[i] as Float32Array)]));
  },

  async evaluate(weights: Weights, samples: Samples): Promise<Evaluation> {
    await start();
    const count = samples.labels.length;
    let right = 0;
    let loss = 0;
    for (let at = 0; at < count; at += EVALUATION_BATCH) {
      const indices = Uint32Array.from({ length: Math.min(EVALUATION_BATCH, count - at) }, (_, i) => at + i);
      const { images, digits } = batch(samples, indices);
      digits.dispose();
      const scores = (await (forward(load(weights), images) as unknown as Tensor).data()) as Float32Array;
      indices.forEach((index, i) => {
        const row = scores.subarray(i * DIGITS, (i + 1) * DIGITS);
        const top = Math.max(...row);
        const digit = samples.labels[index] ?? 0;
        if (row.indexOf(top) === digit) right++;
        loss += Math.log(row.reduce((sum, score) => sum + Math.exp(score - top), 0)) - ((row[digit] ?? 0) - top);
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { accuracy: count === 0 ? 0 : right / count, loss: count === 0 ? 0 : loss / count, samples: count };
  },
};

function load(weights: Weights): Tensor[] {
  return NAMES.map((name) => np.array(weights.get(name) ?? new Float32Array()).reshape([...(SHAPES[name] ?? [])]));
}

/** Pixels as shares of white, digits as one-hot rows. */
function batch(samples: Samples, indices: Uint32Array): { images: Tensor; digits: Tensor } {
  const pixels = new Float32Array(indices.length * PIXELS);
  const oneHot = new Float32Array(indices.length * DIGITS);
  indices.forEach((index, i) => {
    const image = samples.images.subarray(index * PIXELS, (index + 1) * PIXELS);
    for (let p = 0; p < PIXELS; p++) pixels[i * PIXELS + p] = (image[p] ?? 0) / 255;
    oneHot[i * DIGITS + (samples.labels[index] ?? 0)] = 1;
  });
  return {
    images: np.array(pixels).reshape([indices.length, PIXELS]),
    digits: np.array(oneHot).reshape([indices.length, DIGITS]),
  };
}
