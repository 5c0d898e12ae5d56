package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code --response-role}, {@code --return-tokens-as-token-ids} and {@code --stream-interval}. */
class AnswerDefaultsTest {
    private static final String CHAT = "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(
                new ScriptedEngine(),
                new RequestDefaults(
                        Map.of(),
                        GenerationOverride.NONE,
                        RequestDefaults.DEFAULT_MAX_N,
                        new AnswerDefaults("narrator", true, 3)));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void messagesHaveTheOperatorsRole() {
        assertThat(json(server, "/v1/chat/completions", "{" + CHAT + "}")
                        .at("/choices/0/message/role")
                        .stringValue())
                .isEqualTo("narrator");
        String resumed = "{" + CHAT + ",\"add_generation_prompt\":false,\"continue_final_message\":true,\"echo\":true}";
        JsonNode message = json(server, "/v1/chat/completions", resumed).at("/choices/0/message");
        assertThat(message.path("role").stringValue()).isEqualTo("user");
        assertThat(message.path("content").stringValue()).startsWith("a");
        String streamed = server.post("/v1/chat/completions", "{" + CHAT + ",\"stream\":true}")
                .body();
        assertThat(streamed).contains("\"delta\":{\"role\":\"narrator\",\"content\":\"\"}");
    }

    @Test
    void logProbabilitiesNameTokensById() {
        String asked = "{\"prompt\":\"a\",\"max_tokens\":1,\"logprobs\":1";
        assertThat(server.completion(asked + "}")
                        .at("/choices/0/logprobs/tokens/0")
                        .stringValue())
                .startsWith("token_id:");
        assertThat(server.completion(asked + ",\"return_tokens_as_token_ids\":false}")
                        .at("/choices/0/logprobs/tokens/0")
                        .stringValue())
                .doesNotStartWith("token_id:");
    }

    @Test
    void chunksComeAtTheOperatorsIntervalUnlessTheRequestSaysItsOwn() {
        String asked = "{\"prompt\":\"a\",\"max_tokens\":5,\"stream\":true";
        assertThat(texts(asked + "}")).containsExactly(" w0", " w1 w2 w3", " w4");
        assertThat(texts(asked + ",\"stream_interval\":1}")).containsExactly(" w0", " w1", " w2", " w3", " w4");
        assertThat(texts(asked + ",\"stream_interval\":100}")).containsExactly(" w0", " w1 w2 w3 w4");
        assertThat(server.post("/v1/completions", asked + ",\"stream_interval\":0}")
                        .body())
                .contains("stream_interval must be at least 1, got 0.");
    }

    @Test
    void eventsOfResponsesKeepTheIntervalToo() {
        String body = server.post(
                        "/v1/responses",
                        "{\"input\":\"a\",\"max_output_tokens\":5,\"stream\":true,\"stream_interval\":2}")
                .body();
        assertThat(Pattern.compile("\"delta\":\"([^\"]*)\"")
                        .matcher(body)
                        .results()
                        .map(found -> found.group(1)))
                .containsExactly(" w0", " w1 w2", " w3 w4");
        assertThat(body).contains("\"text\":\" w0 w1 w2 w3 w4\"");
    }

    private static JsonNode json(TestServer server, String path, String body) {
        HttpResponse<String> response = server.post(path, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TestServer.JSON.readTree(response.body());
    }

    private static List<String> texts(String body) {
        return Stream.of(server.post("/v1/completions", body).body().split("\n\n"))
                .map(event -> event.substring("data: ".length()))
                .filter(data -> !data.equals("[DONE]"))
                .map(data ->
                        TestServer.JSON.readTree(data).at("/choices/0/text").stringValue())
                .toList();
    }

    @Test
    void nonsenseIsRefusedAtTheStart() {
        assertThatThrownBy(() -> new AnswerDefaults(" ", false, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("--response-role must not be blank");
        assertThatThrownBy(() -> new AnswerDefaults("assistant", false, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("--stream-interval must be at least 1, found 0");
    }
}
