package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the operator says about requests; vLLM's test_api_utils, test_stop_token_ids, its n limits and default template kwargs. */
class RequestDefaultsTest {
    private static final String CHAT = "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";
    private static TestServer told;
    private static TestServer modelOnly;

    @BeforeAll
    static void start() {
        told = TestServer.start(
                new ScriptedEngine(),
                new RequestDefaults(
                        RequestDefaults.templateKwargs("{\"enable_thinking\":false,\"style\":\"plain\"}"),
                        GenerationOverride.parse("""
                                {"max_new_tokens":5,"temperature":0.5,"top_p":0.75,"top_k":9,"min_p":0.125,
                                 "repetition_penalty":1.5,"eos_token_id":[3,4]}"""),
                        3,
                        AnswerDefaults.NONE));
        modelOnly = TestServer.start(new ScriptedEngine(SamplingParams.DEFAULT.withMaxTokens(7)));
    }

    @AfterAll
    static void stop() {
        told.close();
        modelOnly.close();
    }

    @BeforeEach
    void reset() {
        told.engine().reset();
        modelOnly.engine().reset();
    }

    private static void post(TestServer server, String path, String body) {
        HttpResponse<String> response = server.post(path, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    }

    private static SamplingParams sampling(TestServer server, String path, String body) {
        post(server, path, body);
        return server.engine().submitted().request().sampling();
    }

    private static SamplingParams chat(TestServer server, String more) {
        return sampling(server, "/v1/chat/completions", "{" + CHAT + more + "}");
    }

    private static SamplingParams completion(TestServer server, String more) {
        return sampling(server, "/v1/completions", "{\"prompt\":\"a\"" + more + "}");
    }

    private static Map<String, Object> variables(String more) {
        post(told, "/v1/chat/completions", "{" + CHAT + more + "}");
        Prompt prompt = told.engine().submitted().request().prompt();
        assertThat(prompt).isInstanceOf(Prompt.Chat.class);
        return ((Prompt.Chat) prompt).options().variables();
    }

    @Test
    void theModelsDefaultNeverCapsARequest() {
        assertThat(chat(modelOnly, "").maxTokens()).hasValue(7);
        assertThat(chat(modelOnly, ",\"max_tokens\":20").maxTokens()).hasValue(20);
        assertThat(chat(modelOnly, ",\"max_completion_tokens\":3").maxTokens()).hasValue(3);
    }

    @Test
    void theOperatorsMaxNewTokensIsDefaultAndCap() {
        assertThat(chat(told, "").maxTokens()).hasValue(5);
        assertThat(chat(told, ",\"max_tokens\":20").maxTokens()).hasValue(5);
        assertThat(chat(told, ",\"max_completion_tokens\":3").maxTokens()).hasValue(3);
        assertThat(completion(told, "").maxTokens()).hasValue(5);
        assertThat(completion(told, ",\"max_tokens\":20").maxTokens()).hasValue(5);
        assertThat(completion(told, ",\"max_tokens\":2").maxTokens()).hasValue(2);
        assertThat(sampling(told, "/v1/responses", "{\"input\":\"a\",\"max_output_tokens\":20}")
                        .maxTokens())
                .hasValue(5);
    }

    @Test
    void theContextCapsEveryDefault() {
        ScriptedEngine engine = new ScriptedEngine();
        RequestDefaults defaults = new RequestDefaults(
                Map.of(),
                GenerationOverride.parse("{\"max_new_tokens\":100000}"),
                RequestDefaults.DEFAULT_MAX_N,
                AnswerDefaults.NONE);
        try (TestServer server = TestServer.start(engine, defaults)) {
            assertThat(chat(server, "").maxTokens()).hasValue(ScriptedEngine.MAX_MODEL_LEN - 1);
            assertThat(completion(server, "").maxTokens()).hasValue(16);
        }
    }

    @Test
    void theOperatorsSamplingIsADefault() {
        SamplingParams defaults = completion(told, "");
        assertThat(defaults.temperature()).isEqualTo(0.5);
        assertThat(defaults.topP()).isEqualTo(0.75);
        assertThat(defaults.topK()).isEqualTo(9);
        assertThat(defaults.minP()).isEqualTo(0.125);
        assertThat(defaults.penalties().repetition()).isEqualTo(1.5);
        SamplingParams asked =
                completion(told, ",\"temperature\":0,\"top_p\":1,\"top_k\":2,\"min_p\":0,\"repetition_penalty\":1");
        assertThat(asked.greedy()).isTrue();
        assertThat(asked.topP()).isEqualTo(1);
        assertThat(asked.topK()).isEqualTo(2);
        assertThat(asked.minP()).isZero();
        assertThat(asked.penalties().repetition()).isEqualTo(1);
    }

    @Test
    void stopTokensOfTheDefaultsAndTheRequestAreOneSet() {
        assertThat(completion(told, "").stopRules().tokenIds()).containsExactly(3, 4);
        assertThat(completion(told, ",\"stop_token_ids\":[4,8,8]").stopRules().tokenIds())
                .containsExactlyInAnyOrder(3, 4, 8);
        assertThat(chat(told, ",\"stop_token_ids\":[]").stopRules().tokenIds()).containsExactly(3, 4);
        assertThat(chat(told, ",\"ignore_eos\":true,\"stop_token_ids\":[8]")
                        .stopRules()
                        .tokenIds())
                .as("ids of the defaults are ends of sequence")
                .containsExactly(8);
    }

    @Test
    void stopTokensThatTheModelDoesNotHaveAreRefused() {
        GenerationOverride override = GenerationOverride.parse("{\"eos_token_id\":1000}");
        override.checkVocabulary(1001);
        assertThatThrownBy(() -> override.checkVocabulary(ScriptedEngine.VOCAB_SIZE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("from 0 to 999, found 1000");
    }

    @ParameterizedTest
    @CsvSource({"/v1/completions, '\"prompt\":\"a\"'", "/v1/chat/completions, '" + CHAT + "'"})
    void theMostChoicesAreConfigurable(String path, String input) {
        post(told, path, "{" + input + ",\"n\":3}");
        HttpResponse<String> refused = told.post(path, "{" + input + ",\"n\":4}");
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(TestServer.JSON.readTree(refused.body()).at("/error/message").asString())
                .contains("n must be between 1 and 3, got 4");
        assertThat(TestServer.JSON.readTree(refused.body()).at("/error/param").asString())
                .isEqualTo("n");
    }

    @Test
    void moreChoicesThanVllmAllowsAreRefusedByDefault() {
        HttpResponse<String> refused = modelOnly.post("/v1/chat/completions", "{" + CHAT + ",\"n\":16385}");
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.body()).contains("n must be between 1 and 16384, got 16385");
    }

    @Test
    void templateKwargsOfTheRequestGoBeforeTheDefaults() {
        assertThat(variables(""))
                .containsEntry("enable_thinking", false)
                .containsEntry("style", "plain")
                .hasSize(2);
        assertThat(variables(",\"chat_template_kwargs\":{\"enable_thinking\":true,\"more\":1}"))
                .containsEntry("enable_thinking", true)
                .containsEntry("style", "plain")
                .containsEntry("more", 1L)
                .hasSize(3);
        assertThat(variables(""))
                .as("a request leaves the defaults as they are")
                .containsEntry("enable_thinking", false);
    }
}
