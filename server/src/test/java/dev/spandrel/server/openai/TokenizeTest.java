package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code /tokenize} and {@code /detokenize} with vLLM's bodies. */
class TokenizeTest {
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
    void promptsBecomeTokens() {
        assertThat(server.post("/tokenize", "{\"prompt\":\"a b\"}").body())
                .isEqualTo("{\"count\":2,\"max_model_len\":256,\"tokens\":[0,0],\"token_strs\":null}");
        assertThat(server.post("/tokenize", "{\"model\":\"alias\",\"prompt\":\"a\",\"return_token_strs\":true}")
                        .body())
                .isEqualTo("{\"count\":1,\"max_model_len\":256,\"tokens\":[0],\"token_strs\":[\"Ġt0\"]}");
    }

    @Test
    void conversationsBecomeTokens() {
        String body = """
                {"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],
                 "add_generation_prompt":false,"continue_final_message":true,
                 "tools":[{"type":"function","function":{"name":"f"}}]}""";
        assertThat(server.post("/tokenize", body).body()).contains("\"count\":2");
    }

    @Test
    void tokensBecomeText() {
        assertThat(server.post("/detokenize", "{\"tokens\":[3,4]}").body()).isEqualTo("{\"prompt\":\"t3 t4\"}");
        assertThat(server.post("/detokenize", "{\"tokens\":[]}").body()).isEqualTo("{\"prompt\":\"\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "/tokenize; {}; 400",
                "/tokenize; {\"prompt\":[1]}; 400",
                "/tokenize; {\"model\":\"other\",\"prompt\":\"a\"}; 404",
                "/detokenize; {}; 400",
                "/detokenize; {\"tokens\":[\"a\"]}; 400",
                "/detokenize; []; 400"
            })
    void whatIsWrongIsSaid(String path, String body, int status) {
        HttpResponse<String> response = server.post(path, body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    }

    @Test
    void onlyPostIsTaken() {
        assertThat(server.get("/tokenize").statusCode()).isEqualTo(405);
    }
}
