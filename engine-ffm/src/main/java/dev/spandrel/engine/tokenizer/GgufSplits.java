package dev.spandrel.engine.tokenizer;

import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * What {@code tokenizer.ggml.pre} stands for: the split, and what else Hugging Face's {@code tokenizer.json} of that family
 * says. GGUF files keep the name alone, so the regular expressions are written out here, as their authors publish them.
 */
enum GgufSplits {
    /** GPT-2's own. */
    GPT2(Set.of("gpt-2", "gpt2", "olmo", "phi-2", "roberta-bpe", "exaone4", "a.x-4.0", "gigachat"), false, false) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(GPT2_STEP);
        }
    },
    /** Single digits, then GPT-2's. */
    DIGITS(Set.of("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"), false, false) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(PreTokenizers.isolated("\\p{N}"), GPT2_STEP);
        }
    },
    /** Llama 3. */
    LLAMA3(Set.of("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"), true, true) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(PreTokenizers.isolated(words("\\p{N}{1,3}")));
        }
    },
    /** cl100k, as OLMo 2 and others took it over. */
    CL100K(Set.of("dbrx", "smaug-bpe"), false, false) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(PreTokenizers.isolated(words("\\p{N}{1,3}")));
        }
    },
    /** Qwen 2, 2.5 and 3: composed characters, single digits. */
    QWEN2(Set.of("qwen2", "deepseek-r1-qwen", "megrez"), false, false) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(PreTokenizers.isolated(words("\\p{N}")));
        }

        @Override
        UnaryOperator<String> normalizer() {
            return text -> Normalizer.normalize(text, Normalizer.Form.NFC);
        }
    },
    /** StableLM 2: as Qwen 2, uncomposed. */
    STABLELM2(Set.of("stablelm2"), false, false) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(PreTokenizers.isolated(words("\\p{N}")));
        }
    },
    /** o200k, as GPT-4o, Phi-4-mini and Llama 4 use it. */
    O200K(Set.of("gpt-4o", "llama4"), false, false) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(PreTokenizers.isolated(cased("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}")
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" + SPACES));
        }
    },
    /** Mistral's tekken. */
    TEKKEN(Set.of("tekken"), true, true) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(PreTokenizers.isolated(cased("", "\\p{N}") + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" + SPACES));
        }
    },
    /** What files without a name get from llama.cpp. */
    DEFAULT(Set.of("default"), false, false) {
        @Override
        List<PreTokenizers.Step> steps() {
            return List.of(
                    PreTokenizers.isolated("[\\p{P}\\$\\+<=>\\^~\\|]+"),
                    GPT2_STEP,
                    PreTokenizers.isolated("\\p{N}+"),
                    PreTokenizers.isolated("[0-9][0-9][0-9]"));
        }
    };

    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final PreTokenizers.Step GPT2_STEP = PreTokenizers.gpt2();

    private final Set<String> names;
    private final boolean ignoreMerges;
    private final boolean beginsWithBos;

    GgufSplits(Set<String> names, boolean ignoreMerges, boolean beginsWithBos) {
        this.names = names;
        this.ignoreMerges = ignoreMerges;
        this.beginsWithBos = beginsWithBos;
    }

    abstract List<PreTokenizers.Step> steps();

    /** The split of a name, or null. */
    static GgufSplits of(String name) {
        return Arrays.stream(values())
                .filter(each -> each.names.contains(name))
                .findFirst()
                .orElse(null);
    }

    static Set<String> names() {
        return Arrays.stream(values())
                .flatMap(each -> each.names.stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    PreTokenizers.Split split() {
        return new PreTokenizers.Split(steps(), true);
    }

    UnaryOperator<String> normalizer() {
        return UnaryOperator.identity();
    }

    /** Whether a word that is a token as a whole is taken so. */
    boolean ignoreMerges() {
        return ignoreMerges;
    }

    /** Whether texts begin with BOS where the file does not say. */
    boolean beginsWithBos() {
        return beginsWithBos;
    }

    private static String words(String digits) {
        return CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + digits + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" + SPACES;
    }

    private static String cased(String contraction, String digits) {
        String upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
        String lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
        String front = "[^\\r\\n\\p{L}\\p{N}]?";
        return front + upper + "*" + lower + "+" + contraction + "|" + front + upper + "+" + lower + "*" + contraction
                + "|" + digits;
    }
}
