import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.grammar.Grammars;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * What a constraint costs per token, the engine thread and the request that waits for its mask: states seen for the first time
 * and again, and those of a pattern made to be dear. The vocabulary is made up: all bytes, and words as a byte-level tokenizer has them.
 */
public final class MaskBench {
    private static final int VOCABULARY = 128_000;
    private static final String SCHEMA = """
            {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},
             "tags":{"type":"array","items":{"type":"string"}},"kind":{"enum":["cat","dog"]},
             "address":{"type":"object","properties":{"street":{"type":"string"},"number":{"type":"integer"}},
               "required":["street"]}},"required":["name","age","kind"]}""";

    private MaskBench() {}

    private record Words(List<byte[]> tokens) implements Tokenizer {
        @Override
        public int[] encode(String text, boolean addSpecialTokens) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int vocabSize() {
            return tokens.size();
        }

        @Override
        public byte[] bytes(int id) {
            return tokens.get(id);
        }

        @Override
        public byte[] textBytes(int id) {
            return tokens.get(id);
        }

        @Override
        public String entry(int id) {
            return "";
        }

        @Override
        public int idOf(String token) {
            return -1;
        }

        @Override
        public boolean isSpecial(int id) {
            return false;
        }
    }

    public static void main(String[] args) {
        Tokenizer tokenizer = words(new Random(7));
        long start = System.nanoTime();
        Grammars grammars = new Grammars(tokenizer, VOCABULARY, new int[] {0});
        TokenConstraint first = grammars.constraint(new OutputConstraint.JsonObject(), 512, false);
        System.out.printf("vocabulary of %d tokens as a tree, and the first form: %.0f ms%n", VOCABULARY, millis(start));
        run(first, tokenizer, new Random(0), 10);
        for (int round = 0; round < 3; round++) {
            report("json_object", grammars, new OutputConstraint.JsonObject(), tokenizer);
            report("json_schema", grammars, new OutputConstraint.JsonSchema(SCHEMA), tokenizer);
            report("regex .{0,400}", grammars, new OutputConstraint.Regex(".{0,400}"), tokenizer);
            report(
                    "regex made to be dear",
                    grammars,
                    new OutputConstraint.Regex("((.|..|...)[^q]?){0,90}((.{1,9}|..){2,80}x?){0,90}"),
                    tokenizer);
        }
    }

    private static Tokenizer words(Random random) {
        Set<String> words = new LinkedHashSet<>();
        String letters = "eeeeetttaaaooiinnsshhrrdlucmfwypvbgkjqxz";
        while (words.size() < VOCABULARY - 257) {
            StringBuilder word = new StringBuilder(random.nextInt(3) == 0 ? "" : " ");
            int length = 1 + random.nextInt(3) + random.nextInt(8);
            for (int i = 0; i < length; i++) {
                word.append(letters.charAt(random.nextInt(letters.length())));
            }
            if (random.nextInt(12) == 0) {
                word.append("\",:{}[]\n".charAt(random.nextInt(8)));
            }
            if (random.nextInt(12) == 0) {
                word.append("éüжя中文字"
                        .charAt(random.nextInt(7)));
            }
            words.add(word.toString());
        }
        List<byte[]> tokens = new ArrayList<>();
        tokens.add(new byte[0]);
        for (int b = 0; b < 256; b++) {
            tokens.add(new byte[] {(byte) b});
        }
        words.forEach(word -> tokens.add(word.getBytes(StandardCharsets.UTF_8)));
        return new Words(tokens);
    }

    private static void report(String name, Grammars grammars, OutputConstraint form, Tokenizer tokenizer) {
        long start = System.nanoTime();
        TokenConstraint fresh = grammars.constraint(form, 512, false);
        double compile = millis(start);
        Times cold = run(fresh, tokenizer, new Random(3), 200);
        Times warm = run(grammars.constraint(form, 512, false), tokenizer, new Random(3), 200);
        System.out.printf(
                "%-22s made in %6.2f ms; engine thread per token: first time %s ms, again %s ms; waiting: first time %s, again %s%n",
                name,
                compile,
                shown(cold.asking),
                shown(warm.asking),
                shown(cold.waiting),
                shown(warm.waiting));
    }

    /** Milliseconds per token, sorted: of the thread that asks, and of waiting for others. */
    private record Times(double[] asking, double[] waiting) {}

    private static Times run(TokenConstraint constraint, Tokenizer tokenizer, Random random, int most) {
        int[] tokens = new int[most];
        double[] times = new double[most];
        int length = 0;
        float[] logits = new float[VOCABULARY];
        double[] waits = new double[most];
        while (length < most) {
            Arrays.fill(logits, 0);
            TokenHistory history = new TokenHistory(tokens, 0, length);
            long start = System.nanoTime();
            boolean known = constraint.ready(history);
            times[length] = millis(start);
            start = System.nanoTime();
            constraint.await(history);
            waits[length] = known ? 0 : millis(start);
            if (constraint.complete(history)) {
                break;
            }
            start = System.nanoTime();
            constraint.process(logits, VOCABULARY, history);
            times[length] += millis(start);
            int token = random.nextInt(VOCABULARY);
            while (logits[token] != 0 || token == 0) {
                token = (token + 1) % VOCABULARY;
            }
            tokens[length++] = token;
        }
        double[] taken = Arrays.copyOf(times, Math.max(1, length));
        double[] waited = Arrays.copyOf(waits, Math.max(1, length));
        Arrays.sort(taken);
        Arrays.sort(waited);
        return new Times(taken, waited);
    }

    /** Median and worst. */
    private static String shown(double[] sorted) {
        return "%.3f / %.3f".formatted(sorted[sorted.length / 2], sorted[sorted.length - 1]);
    }

    private static double millis(long start) {
        return (System.nanoTime() - start) / 1e6;
    }
}
