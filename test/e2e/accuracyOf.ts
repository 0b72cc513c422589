/** The share of images that a perceptron with one hidden layer classifies, in plain loops. */
export function accuracyOf(
  [hidden, hiddenBias, output, outputBias]: [Float32Array, Float32Array, Float32Array, Float32Array],
  { images, labels }: { images: Uint8Array; labels: Uint8Array },
): number {
  const width = hiddenBias.length;
  const classes = outputBias.length;
  const pixels = images.length / labels.length;
  let right = 0;
  for (let image = 0; image < labels.length; image++) {
    const active = Float64Array.from(hiddenBias);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const value = (images[image * pixels + pixel] ?? 0) / 255;
      if (value === 0) continue;
      for (let unit = 0; unit < width; unit++)
        active[unit] = (active[unit] ?? 0) + value * (hidden[pixel * width + unit] ?? 0);
    }
    const scores = Array.from(outputBias, (bias, digit) =>
      active.reduce((sum, unit, i) => sum + Math.max(0, unit) * (output[i * classes + digit] ?? 0), bias),
    );
    if (scores.indexOf(Math.max(...scores)) === labels[image]) right++;
  }
  return right / labels.length;
}
