package dev.spandrel.engine.model;

/**
 * Angles of rotary position embedding (Su et al., 2021) and its ways to reach beyond the trained context, by the names of
 * {@code rope_parameters}. Angles are computed per step, in double and per position alone, so they depend neither on the
 * batch nor on how a prompt was cut into chunks.
 */
final class RotaryEmbedding {
    private final RopeParameters rope;
    private final double[] inverseFrequencies;
    private final double attentionFactor;

    /** @param maxModelLen longest sequence served: beyond the original context longrope takes its long factors */
    RotaryEmbedding(RopeParameters rope, int maxModelLen) {
        this.rope = rope;
        inverseFrequencies = switch (rope.ropeType()) {
            case "linear" -> divided(rope.factor());
            case "llama3" -> llama3();
            case "yarn" -> yarn();
            case "longrope" -> longrope(maxModelLen);
            default -> plain(rope.ropeTheta());
        };
        attentionFactor = rope.attentionFactor();
    }

    /** Columns of a head that turn; the others stay. */
    int rotaryDim() {
        return rope.rotaryDim();
    }

    /** Fills count × rotaryDim: cosines of a position's angles, then their sines. */
    void angles(int[] positions, int count, float[] into) {
        int half = inverseFrequencies.length;
        for (int t = 0; t < count; t++) {
            double[] frequencies = frequencies(positions[t]);
            for (int i = 0; i < half; i++) {
                // The reference multiplies in F32; the rounded product is part of what the model computes.
                double angle = (float) positions[t] * (float) frequencies[i];
                into[t * 2 * half + i] = (float) (Math.cos(angle) * attentionFactor);
                into[t * 2 * half + half + i] = (float) (Math.sin(angle) * attentionFactor);
            }
        }
    }

    /** With dynamic NTK scaling the base grows with the position, as it does for one who feeds tokens one by one. */
    private double[] frequencies(int position) {
        int length = position + 1;
        if (!rope.ropeType().equals("dynamic") || length <= rope.maxPositions()) {
            return inverseFrequencies;
        }
        double dim = rope.rotaryDim();
        double stretch = rope.factor() * length / rope.maxPositions() - (rope.factor() - 1);
        return plain(rope.ropeTheta() * Math.pow(stretch, dim / (dim - 2)));
    }

    private double[] plain(double base) {
        double[] frequencies = new double[rope.rotaryDim() / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = 1 / Math.pow(base, 2.0 * i / rope.rotaryDim());
        }
        return frequencies;
    }

    private double[] divided(double factor) {
        double[] frequencies = plain(rope.ropeTheta());
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] /= factor;
        }
        return frequencies;
    }

    /** Llama 3.1: long waves are stretched, short ones stay, those between go over smoothly. */
    private double[] llama3() {
        double[] frequencies = plain(rope.ropeTheta());
        double context = rope.originalMaxPositions();
        for (int i = 0; i < frequencies.length; i++) {
            double waves = context * frequencies[i] / (2 * Math.PI);
            double smooth = (waves - rope.lowFreqFactor()) / (rope.highFreqFactor() - rope.lowFreqFactor());
            smooth = Math.clamp(smooth, 0, 1);
            frequencies[i] *= (1 - smooth) / rope.factor() + smooth;
        }
        return frequencies;
    }

    /** YaRN (Peng et al., 2023, section 3.2): a ramp over dimensions between interpolation and extrapolation. */
    private double[] yarn() {
        double[] frequencies = plain(rope.ropeTheta());
        double low = correctionDim(rope.betaFast());
        double high = correctionDim(rope.betaSlow());
        if (rope.truncate()) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, rope.rotaryDim() - 1.0);
        if (low == high) {
            high += 0.001;
        }
        for (int i = 0; i < frequencies.length; i++) {
            double ramp = Math.clamp((i - low) / (high - low), 0, 1);
            frequencies[i] *= ramp / rope.factor() + (1 - ramp);
        }
        return frequencies;
    }

    private double correctionDim(double rotations) {
        return rope.rotaryDim()
                * Math.log(rope.originalMaxPositions() / (rotations * 2 * Math.PI))
                / (2 * Math.log(rope.ropeTheta()));
    }

    /** LongRoPE (Ding et al., 2024): a factor per dimension; which set, the served length says. */
    private double[] longrope(int maxModelLen) {
        double[] frequencies = plain(rope.ropeTheta());
        double[] factors = maxModelLen > rope.originalMaxPositions() ? rope.longFactor() : rope.shortFactor();
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] /= factors[i];
        }
        return frequencies;
    }
}
