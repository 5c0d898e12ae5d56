package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Makes the constraints of requests, on the threads that submit them. Compiled grammars are kept, the least recently used
 * goes first; the tree of the vocabulary is made at the first use.
 */
public final class Grammars {
    /** Longest schema or list of choices in characters. */
    static final int MAX_SOURCE = 1 << 20;

    private static final int KEPT = 32;

    private final Tokenizer tokenizer;
    private final int vocabSize;
    private final int[] eosTokenIds;
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
        TokenGrammar grammar = grammar(new Key(constraint, !ignoreEos));
        int least = grammar.closingTokens(grammar.start());
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
        return new GrammarConstraint(grammar, tokenizer, maxTokens);
    }

    private TokenGrammar grammar(Key key) {
        synchronized (kept) {
            TokenGrammar known = kept.get(key);
            if (known != null) {
                return known;
            }
        }
        // Outside the lock: somebody else's large schema is not worth waiting for.
        TokenGrammar compiled =
                new TokenGrammar(compile(key.constraint()), trie(), vocabSize, key.ends() ? eosTokenIds : new int[0]);
        synchronized (kept) {
            kept.putIfAbsent(key, compiled);
            return kept.get(key);
        }
    }

    private synchronized TokenTrie trie() {
        if (trie == null) {
            trie = new TokenTrie(tokenizer, vocabSize);
        }
        return trie;
    }

    private static String parameter(OutputConstraint constraint) {
        return constraint instanceof OutputConstraint.JsonSchema ? "response_format" : "structured_outputs";
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
                case OutputConstraint.JsonSchema(String schema) -> {
                    checkLength(parameter, schema.length());
                    yield SchemaReader.read(parameter, schema);
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
        return new Expression.Choice(
                choice.choices().stream().map(Expression::text).toList());
    }

    private static void checkLength(String parameter, long length) {
        if (length > MAX_SOURCE) {
            throw new EngineException.InvalidRequest(
                    parameter, "The form that is asked for may have " + MAX_SOURCE + " characters, got " + length);
        }
    }
}
