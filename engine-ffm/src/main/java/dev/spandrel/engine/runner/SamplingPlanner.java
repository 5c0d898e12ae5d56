package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StopRules;
import dev.spandrel.engine.TokenRules;
import dev.spandrel.engine.grammar.Grammars;
import dev.spandrel.engine.sampling.AllowedTokens;
import dev.spandrel.engine.sampling.BadWords;
import dev.spandrel.engine.sampling.LogitBias;
import dev.spandrel.engine.sampling.LogitsProcessor;
import dev.spandrel.engine.sampling.MinTokens;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenPenalties;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;

/** Makes the {@link SamplingPlan} of a request on the thread that submits it, in vLLM's order of processors. */
final class SamplingPlanner implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final int[] eosTokenIds;
    private final int vocabSize;
    private final Grammars grammars;

    /** @param vocabSize tokens that the model scores */
    SamplingPlanner(Tokenizer tokenizer, int[] eosTokenIds, int vocabSize) {
        this.tokenizer = tokenizer;
        this.eosTokenIds = eosTokenIds.clone();
        this.vocabSize = vocabSize;
        this.grammars = new Grammars(tokenizer, vocabSize, eosTokenIds);
    }

    /**
     * The plan of a request.
     *
     * @throws EngineException.InvalidRequest when a token id is out of vocabulary
     */
    SamplingPlan plan(SamplingParams sampling) {
        StopRules stop = sampling.stopRules();
        check("stop_token_ids", stop.tokenIds());
        check("logprob_token_ids", sampling.logprobs().tokenIds());
        List<LogitsProcessor> processors = new ArrayList<>();
        addRules(sampling.tokenRules(), stop, processors);
        if (!sampling.penalties().equals(Penalties.NONE)) {
            processors.add(new TokenPenalties(sampling.penalties(), vocabSize));
        }
        TokenConstraint form = sampling.constraint()
                .map(constraint ->
                        grammars.constraint(constraint, sampling.maxTokens().orElseThrow(), stop.ignoreEos()))
                .orElse(null);
        return form == null && processors.isEmpty() && stop.tokenIds().isEmpty()
                ? SamplingPlan.PLAIN
                : new SamplingPlan(form, processors, stop.tokenIds());
    }

    @Override
    public void close() {
        grammars.close();
    }

    private void addRules(TokenRules rules, StopRules stop, List<LogitsProcessor> processors) {
        if (!rules.allowedTokenIds().isEmpty()) {
            check("allowed_token_ids", rules.allowedTokenIds());
            processors.add(new AllowedTokens(rules.allowedTokenIds()));
        }
        if (!rules.badWords().isEmpty()) {
            processors.add(new BadWords(words(rules.badWords())));
        }
        if (stop.minTokens() > 0) {
            IntStream ending = IntStream.concat(
                    IntStream.of(eosTokenIds), stop.tokenIds().stream().mapToInt(Integer::intValue));
            processors.add(new MinTokens(stop.minTokens(), ending.distinct().toArray()));
        }
        if (!rules.logitBias().isEmpty()) {
            check("logit_bias", rules.logitBias().keySet());
            processors.add(new LogitBias(rules.logitBias()));
        }
    }

    private void check(String parameter, Collection<Integer> ids) {
        for (int id : ids) {
            if (id < 0 || id >= vocabSize) {
                throw EngineException.InvalidRequest.value(
                        parameter,
                        parameter + " holds a token id that is out of vocabulary; ids run from 0 to " + (vocabSize - 1),
                        id);
            }
        }
    }

    /**
     * Each word at the start of a text and after a space. vLLM leaves the second out where it has another number of tokens,
     * which lets just the words through that are common enough to have a token of their own.
     */
    private List<int[]> words(List<String> texts) {
        List<int[]> words = new ArrayList<>();
        for (String text : texts) {
            String word = text.stripLeading();
            int[] plain = tokenizer.encode(word, false);
            int[] spaced = tokenizer.encode(" " + word, false);
            if (plain.length == 0) {
                throw EngineException.InvalidRequest.value(
                        "bad_words", "bad_words holds a word without tokens in this model", text);
            }
            words.add(plain);
            if (!Arrays.equals(spaced, plain)) {
                words.add(spaced);
            }
        }
        return words;
    }
}
