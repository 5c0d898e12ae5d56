package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.LogprobRules;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ServedModels;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code --max-logprobs} and the fields it bounds; the messages are vLLM's. */
class LogprobFieldsTest {
    @AutoClose
    private final ScriptedEngine engine = new ScriptedEngine();

    private LogprobRules completion(String body, int most) {
        return LogprobFields.completion(fields(body), false, ServedModels.scripted(engine, most));
    }

    private LogprobRules chat(String body, int most) {
        return LogprobFields.chat(fields(body), ServedModels.scripted(engine, most));
    }

    private static RequestFields fields(String body) {
        return RequestFields.parse(body.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void upToTheCap() {
        assertThat(completion("{\"logprobs\":5,\"prompt_logprobs\":4}", 5).sampled())
                .hasValue(5);
        assertThat(completion("{\"logprobs\":5,\"prompt_logprobs\":4}", 5).prompt())
                .hasValue(4);
        assertThat(chat("{\"logprobs\":true,\"top_logprobs\":5}", 5).sampled()).hasValue(5);
    }

    @Test
    void minusOneIsTheWholeVocabularyWhereThereIsNoCap() {
        LogprobRules all = completion("{\"logprobs\":-1,\"prompt_logprobs\":-1}", -1);
        assertThat(all.sampled()).hasValue(ScriptedEngine.VOCAB_SIZE);
        assertThat(all.prompt()).hasValue(ScriptedEngine.VOCAB_SIZE);
        assertThat(chat("{\"logprobs\":true,\"top_logprobs\":-1}", -1).sampled())
                .hasValue(ScriptedEngine.VOCAB_SIZE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{'logprobs':6} | 5 | Requested sample logprobs of 6, which is greater than max allowed: 5",
                "{'logprobs':-1} | 20 | Requested sample logprobs of 1000, which is greater than max allowed: 20",
                "{'logprobs':1} | 0 | Requested sample logprobs of 1, which is greater than max allowed: 0",
                "{'prompt_logprobs':6} | 5 | Requested prompt logprobs of 6, which is greater than max allowed: 5",
                "{'logprobs':1001} | -1 | Requested sample logprobs of 1001, which is greater than max allowed: 1000",
                "{'prompt_logprobs':-2} | -1 | `prompt_logprobs` must be a positive value or -1",
                "{'logprob_token_ids':[1,2]} | 1 | Requested logprobs of 2 token ids, which is greater than max allowed: 1"
            })
    void beyondItIsRefused(String body, int most, String message) {
        assertThatThrownBy(() -> completion(body.replace('\'', '"'), most))
                .isInstanceOf(OpenAiException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void chatsNameTheirOwnField() {
        assertThatThrownBy(() -> chat("{\"logprobs\":true,\"top_logprobs\":21}", 20))
                .isInstanceOf(OpenAiException.class)
                .hasMessage("Requested sample logprobs of 21, which is greater than max allowed: 20."
                        + " (parameter=top_logprobs, value=21)");
    }
}
