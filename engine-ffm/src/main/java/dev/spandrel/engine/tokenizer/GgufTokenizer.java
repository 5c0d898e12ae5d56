package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.GgufMetadata;
import dev.spandrel.engine.tokenizer.CharacterBpeModel.ByteFallback;
import dev.spandrel.engine.tokenizer.PipelineTokenizer.SpecialTokens;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tokenizer inside a GGUF file ({@code tokenizer.ggml.*}), built to give what Hugging Face's own of the same model
 * gives. {@code gpt2} is byte-level BPE with merges, split as {@link GgufSplits} says; {@code llama} is SentencePiece's BPE
 * with scores, an order of merges in other words.
 */
final class GgufTokenizer {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final long UNKNOWN = 2;
    private static final long CONTROL = 3;
    private static final long USER_DEFINED = 4;
    private static final long UNUSED = 5;
    private static final long BYTE = 6;
    private static final Pattern BYTE_TOKEN = Pattern.compile("<0x([0-9A-Fa-f]{2})>");
    private static final String SPACE = "▁";

    private static final Map<String, String> ROLES = Map.of(
            "bos_token", "bos",
            "eos_token", "eos",
            "unk_token", "unknown",
            "sep_token", "seperator",
            "pad_token", "padding");

    private final GgufMetadata metadata;
    private final Problems problems;
    private final Map<String, Integer> vocab = new HashMap<>();
    private final Map<Integer, AddedToken> added = new TreeMap<>();
    private final float[] scores;

    private GgufTokenizer(GgufMetadata metadata) {
        this.metadata = metadata;
        problems = new Problems(metadata.file());
        List<Object> tokens = metadata.list(PREFIX + "tokens");
        List<Object> types = metadata.list(PREFIX + "token_type");
        List<Object> ranks = metadata.list(PREFIX + "scores");
        if (tokens.isEmpty() || tokens.size() > Vocabulary.MAX_IDS || !(tokens.getFirst() instanceof String)) {
            problems.add(PREFIX + "tokens: expected 1 to " + Vocabulary.MAX_IDS + " texts, found " + tokens.size());
        }
        if (!types.isEmpty() && types.size() != tokens.size() || !ranks.isEmpty() && ranks.size() != tokens.size()) {
            problems.add(PREFIX + "token_type, scores: expected one for each of " + tokens.size() + " tokens, found "
                    + types.size() + " and " + ranks.size());
        }
        problems.throwIfAny();
        scores = new float[tokens.size()];
        for (int id = 0; id < tokens.size(); id++) {
            scores[id] = !ranks.isEmpty() && ranks.get(id) instanceof Double score ? score.floatValue() : 0;
            add(id, (String) tokens.get(id), types.isEmpty() ? 1L : types.get(id));
        }
    }

    private void add(int id, String token, Object type) {
        if (token.isEmpty() || type.equals(UNUSED)) {
            return;
        }
        if (type.equals(CONTROL) || type.equals(UNKNOWN)) {
            added.put(id, AddedToken.special(token));
        } else if (type.equals(USER_DEFINED)) {
            added.put(id, new AddedToken(token, false, false, false, false, false));
        }
        vocab.put(token, id);
    }

    /** @throws EngineException.ModelLoad with all that is wrong with it, or with a kind this version does not read */
    static Tokenizer open(GgufMetadata metadata) {
        String model = metadata.text(PREFIX + "model").orElse("none");
        GgufTokenizer tokenizer = new GgufTokenizer(metadata);
        return switch (model) {
            case "gpt2" -> tokenizer.byteLevel();
            case "llama" -> tokenizer.sentencePiece();
            default ->
                throw new EngineException.ModelLoad(
                        metadata.file().toString(), PREFIX + "model: expected gpt2 or llama, found " + model);
        };
    }

    /** Texts of special tokens, for chat templates. */
    static Map<String, String> roles(GgufMetadata metadata) {
        List<Object> tokens = metadata.list(PREFIX + "tokens");
        Map<String, String> roles = new HashMap<>();
        ROLES.forEach((role, key) -> metadata.integer(PREFIX + key + "_token_id")
                .filter(id -> id >= 0 && id < tokens.size())
                .ifPresent(id -> roles.put(role, String.valueOf(tokens.get(id.intValue())))));
        return roles;
    }

    private Tokenizer byteLevel() {
        String pre = metadata.text(PREFIX + "pre").orElse("default");
        GgufSplits splits = GgufSplits.of(pre);
        if (splits == null) {
            problems.add(PREFIX + "pre: expected one of " + GgufSplits.names() + ", found " + pre);
            problems.throwIfAny();
        }
        BpeModelBuilder builder = new BpeModelBuilder(vocab, problems);
        int number = 0;
        for (Object merge : metadata.list(PREFIX + "merges")) {
            String text = String.valueOf(merge);
            // A token may begin with a space of its own.
            int space = text.indexOf(' ', 1);
            if (space < 0) {
                problems.add("merge " + number + ": expected two tokens, found " + text);
            } else {
                builder.merge(text.substring(0, space), text.substring(space + 1), "merge " + number);
            }
            number++;
        }
        BpeModel model = builder.build(unknown(), splits.ignoreMerges());
        UnaryOperator<String> normalizer = splits.normalizer();
        return tokenizer(normalizer, splits.split(), model, ByteAlphabet::read, splits.beginsWithBos());
    }

    private Tokenizer sentencePiece() {
        boolean prefix = metadata.flag(PREFIX + "add_space_prefix").orElse(true);
        UnaryOperator<String> normalizer = text -> {
            String spaced = text.replace(" ", SPACE);
            return prefix && !spaced.isEmpty() ? SPACE + spaced : spaced;
        };
        CharacterBpeModel model = new CharacterBpeModel(
                vocab, ScoredMerges.table(pieces(), scores), ByteFallback.of(vocab), unknown(), true, false);
        Function<String, byte[]> decoder = token -> {
            Matcher single = BYTE_TOKEN.matcher(token);
            return single.matches()
                    ? new byte[] {(byte) Integer.parseInt(single.group(1), 16)}
                    : token.replace(SPACE, " ").getBytes(java.nio.charset.StandardCharsets.UTF_8);
        };
        PreTokenizers.Split whole = new PreTokenizers.Split(List.of(), false);
        return tokenizer(normalizer, whole, model, decoder, true);
    }

    /** What merges can make: no control tokens, no single bytes. */
    private Map<String, Integer> pieces() {
        Map<String, Integer> pieces = new HashMap<>(vocab);
        added.values().forEach(token -> pieces.remove(token.content()));
        pieces.keySet().removeIf(token -> BYTE_TOKEN.matcher(token).matches());
        return pieces;
    }

    private Tokenizer tokenizer(
            UnaryOperator<String> normalizer,
            PreTokenizers.Split split,
            WordModel model,
            Function<String, byte[]> decoder,
            boolean bos) {
        SpecialTokens around = new SpecialTokens(
                special("bos", metadata.flag(PREFIX + "add_bos_token").orElse(bos)),
                special("eos", metadata.flag(PREFIX + "add_eos_token").orElse(false)));
        problems.throwIfAny();
        Map<String, Integer> own = new HashMap<>(vocab);
        own.values().removeAll(added.keySet());
        return new PipelineTokenizer(
                new PipelineTokenizer.Steps(normalizer, split, model, decoder), own, added, around);
    }

    private Integer unknown() {
        return metadata.integer(PREFIX + "unknown_token_id")
                .filter(id -> id >= 0 && id < scores.length)
                .map(Long::intValue)
                .orElse(null);
    }

    private int[] special(String role, boolean wanted) {
        if (!wanted) {
            return new int[0];
        }
        long id = metadata.integer(PREFIX + role + "_token_id").orElse(-1L);
        if (id < 0 || id >= scores.length) {
            problems.add(PREFIX + "add_" + role + "_token: expected a " + role + "_token_id within " + scores.length
                    + " tokens, found " + metadata.shown(PREFIX + role + "_token_id"));
        }
        return new int[] {(int) id};
    }
}
