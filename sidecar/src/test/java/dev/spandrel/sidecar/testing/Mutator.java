package dev.spandrel.sidecar.testing;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Makes damaged bytes out of good ones: flips, cuts, doubles, splices and plain noise, all from one seed. */
public final class Mutator {
    private static final int MAX_BYTES = 100_000;

    private final Random random;
    private final List<byte[]> seeds;

    public Mutator(long seed, List<byte[]> seeds) {
        this.random = new Random(seed);
        this.seeds = seeds;
    }

    public byte[] next() {
        byte[] body = pick().clone();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            body = mutate(body);
        }
        return body;
    }

    private byte[] pick() {
        return seeds.get(random.nextInt(seeds.size()));
    }

    private byte[] mutate(byte[] body) {
        if (body.length == 0) {
            return pick().clone();
        }
        return switch (random.nextInt(6)) {
            case 0 -> flipBit(body);
            case 1 -> setByte(body);
            case 2 -> Arrays.copyOf(body, random.nextInt(body.length + 1));
            case 3 -> Arrays.copyOfRange(body, random.nextInt(body.length), body.length);
            case 4 -> join(body, pick());
            default -> noise();
        };
    }

    private byte[] flipBit(byte[] body) {
        body[random.nextInt(body.length)] ^= (byte) (1 << random.nextInt(8));
        return body;
    }

    private byte[] setByte(byte[] body) {
        body[random.nextInt(body.length)] = (byte) random.nextInt(256);
        return body;
    }

    private byte[] noise() {
        byte[] noise = new byte[random.nextInt(200)];
        random.nextBytes(noise);
        return noise;
    }

    private byte[] join(byte[] a, byte[] b) {
        if (a.length + b.length > MAX_BYTES) {
            return a;
        }
        int at = random.nextInt(a.length + 1);
        byte[] joined = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, joined, at, b.length);
        System.arraycopy(a, at, joined, at + b.length, a.length - at);
        return joined;
    }
}
