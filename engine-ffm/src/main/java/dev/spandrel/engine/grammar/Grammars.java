package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Makes the constraints of requests. The threads that submit them wait, and {@link FormWorkers} do the work, since that can
 * take long and those threads serve others as well. Compiled grammars are kept, the least recently used goes first; the tree
 * of the vocabulary is made at the first use.
 */
public final class Grammars implements AutoCloseable {
    /** Longest schema or list of choices in characters. */
    static final int MAX_SOURCE = 1 << 20;

    private static final int KEPT = 32;

    /** A shortest text is counted so far in any case, so that the answer to a max_tokens that is too small names it. */
    private static final int COUNTED = 4096;

    private final Tokenizer tokenizer;
    private final int vocabSize;
    private final int[] eosTokenIds;
    private final FormWorkers workers = new FormWorkers();
    private TokenTrie trie;

    private record Key(OutputConstraint constraint, boolean ends) {}

    private final Map<Key, TokenGrammar> kept = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, TokenGrammar> eldest) {
            return size() > KEPT;
        }
    };

    /**
     * @param vocabSize tokens that the model scores
     * @param eosTokenIds tokens that end a text
     */
    public Grammars(Tokenizer tokenizer, int vocabSize, int[] eosTokenIds) {
        this.tokenizer = tokenizer;
        this.vocabSize = vocabSize;
        this.eosTokenIds = eosTokenIds.clone();
    }

    /**
     * The constraint of one request.
     *
     * @param maxTokens of the request
     * @param ignoreEos whether ending tokens are not to come
     * @throws EngineException.InvalidRequest when the form cannot be used, or is not to be had in so few tokens
     */
    public TokenConstraint constraint(OutputConstraint constraint, int maxTokens, boolean ignoreEos) {
        Start start = await(begin(new Key(constraint, !ignoreEos), maxTokens));
        int least = start.least();
        if (least >= Grammar.ENDLESS) {
            throw new EngineException.InvalidRequest(
                    parameter(constraint), "The model's vocabulary cannot write a text of the form that is asked for");
        }
        if (least > maxTokens) {
            throw new EngineException.InvalidRequest(
                    "max_tokens",
                    "max_tokens " + maxTokens + " is too few for the form that is asked for; its shortest text takes "
                            + least + " tokens. (parameter=max_tokens, value=" + maxTokens + ")");
        }
        return new GrammarConstraint(start.grammar(), tokenizer, maxTokens, start.mask(), workers);
    }

    /**
     * What a request starts with.
     *
     * @param least tokens of the shortest text
     * @param mask before the first token
     */
    private record Start(TokenGrammar grammar, int least, PreparedMask mask) {}

    private CompletableFuture<Start> begin(Key key, int maxTokens) {
        TokenGrammar known;
        synchronized (kept) {
            known = kept.get(key);
        }
        CompletableFuture<Start> result = new CompletableFuture<>();
        if (known != null) {
            begin(known, maxTokens, result);
        } else {
            workers.execute(() -> complete(result, () -> begin(compiled(key), maxTokens, result)));
        }
        return result;
    }

    private void begin(TokenGrammar grammar, int maxTokens, CompletableFuture<Start> result) {
        grammar.line()
                .add(() -> complete(result, () -> {
                    try (Turn turn = workers.turn(result::isDone)) {
                        int least = grammar.closingTokens(grammar.start(), Math.max(maxTokens, COUNTED), turn);
                        PreparedMask mask = least > maxTokens
                                ? null
                                : PreparedMask.of(grammar, grammar.start(), 0, maxTokens - 1, turn);
                        result.complete(new Start(grammar, least, mask));
                    }
                }));
    }

    private static void complete(CompletableFuture<Start> result, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            result.completeExceptionally(e);
        }
    }

    private static Start await(CompletableFuture<Start> start) {
        try {
            return start.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case EngineException.InvalidRequest invalid -> throw invalid;
                case Turn.Unwanted _ -> throw new EngineException.Unavailable("the engine is shutting down", null);
                default ->
                    throw new EngineException.StepFailed("The form that is asked for failed: " + e.getCause(), e);
            }
        } catch (InterruptedException e) {
            // Nobody waits any more; the work stops at its next turn.
            start.cancel(false);
            Thread.currentThread().interrupt();
            throw new EngineException.Unavailable("interrupted while the form of the output was made ready", e);
        }
    }

    private TokenGrammar compiled(Key key) {
        int[] ending = key.ends() ? eosTokenIds : new int[0];
        TokenGrammar compiled = new TokenGrammar(compile(key.constraint()), trie(), vocabSize, ending, workers.line());
        synchronized (kept) {
            kept.putIfAbsent(key, compiled);
            return kept.get(key);
        }
    }

    @Override
    public void close() {
        workers.close();
    }

    private synchronized TokenTrie trie() {
        if (trie == null) {
            trie = new TokenTrie(tokenizer, vocabSize);
        }
        return trie;
    }

    private static String parameter(OutputConstraint constraint) {
        return constraint instanceof OutputConstraint.JsonSchema schema
                ? schema.fields().get("#")
                : "structured_outputs";
    }

    /** The grammar of a form. */
    static Grammar compile(OutputConstraint constraint) {
        String parameter = parameter(constraint);
        try {
            return switch (constraint) {
                case OutputConstraint.Regex(String pattern) ->
                    single(parameter, RegexParser.parse(parameter, pattern, CharacterEncoding.PLAIN, false));
                case OutputConstraint.Choice choice -> single(parameter, choices(choice));
                case OutputConstraint.JsonObject object -> {
                    Map<String, Expression> rules = new HashMap<>();
                    JsonGrammar.addTo(rules);
                    yield GrammarCompiler.compile(parameter, rules, "json object");
                }
                case OutputConstraint.JsonSchema(String schema, Map<String, String> fields) -> {
                    checkLength(parameter, schema.length());
                    yield SchemaReader.read(new SchemaPlaces(fields), schema);
                }
            };
        } catch (StackOverflowError e) {
            throw new EngineException.InvalidRequest(parameter, "The form that is asked for is nested too deeply");
        }
    }

    private static Grammar single(String parameter, Expression expression) {
        return GrammarCompiler.compile(parameter, Map.of("text", expression), "text");
    }

    private static Expression choices(OutputConstraint.Choice choice) {
        checkLength(
                "structured_outputs",
                choice.choices().stream().mapToLong(String::length).sum());
        if (choice.choices().isEmpty() || choice.choices().contains("")) {
            throw new EngineException.InvalidRequest(
                    "structured_outputs", "choice must hold at least one text, and no empty one");
        }
        return Expression.texts(choice.choices());
    }

    private static void checkLength(String parameter, long length) {
        if (length > MAX_SOURCE) {
            throw new EngineException.InvalidRequest(
                    parameter, "The form that is asked for may have " + MAX_SOURCE + " characters, got " + length);
        }
    }
}
