package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.Prompt;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/chat/completions/batch}: conversations side by side. */
class ChatBatchTest {
    private static final String PATH = "/v1/chat/completions/batch";
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(new ScriptedEngine());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void eachConversationHasItsChoices() {
        HttpResponse<String> response = server.post(
                PATH,
                "{\"messages\":[[{\"role\":\"user\",\"content\":\"one\"}],[{\"role\":\"system\",\"content\":\"be\"},"
                        + "{\"role\":\"user\",\"content\":\"two\"}]],\"n\":2,\"seed\":3,\"max_tokens\":2}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode answer = TestServer.JSON.readTree(response.body());
        assertThat(answer.path("object").stringValue()).isEqualTo("chat.completion");
        assertThat(answer.path("choices")).hasSize(4);
        for (int i = 0; i < 4; i++) {
            assertThat(answer.path("choices").get(i).path("index").asInt()).isEqualTo(i);
            assertThat(answer.path("choices").get(i).at("/message/content").stringValue())
                    .isEqualTo(" w0 w1");
            Prompt.Chat prompt =
                    (Prompt.Chat) server.engine().submitted().request().prompt();
            assertThat(prompt.messages())
                    .isEqualTo(
                            i < 2
                                    ? List.of(new ChatMessage("user", "one"))
                                    : List.of(new ChatMessage("system", "be"), new ChatMessage("user", "two")));
        }
        assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(8);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; body.messages",
                "{\"messages\":[]}; body.messages",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}; body.messages",
                "{\"messages\":[[]]}; messages.0",
                "{\"messages\":[[{\"role\":\"user\",\"content\":\"a\"}],[{\"content\":\"a\"}]]}; body.messages.1.0.role",
                "{\"messages\":[[{\"role\":\"user\",\"content\":\"a\"}]],\"stream\":true}; stream"
            })
    void whatIsWrongIsSaid(String body, String param) {
        HttpResponse<String> response = server.post(PATH, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        assertThat(TestServer.JSON.readTree(response.body()).at("/error/param").stringValue())
                .as(response.body())
                .isEqualTo(param);
    }

    @Test
    void moreConversationsThanPromptsAreRefused() {
        String one = "[{\"role\":\"user\",\"content\":\"a\"}]";
        HttpResponse<String> response = server.post(
                PATH, "{\"messages\":[" + String.join(",", java.util.Collections.nCopies(1025, one)) + "]}");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("1024");
    }
}
