package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code POST /v1/embeddings}: shapes of inputs and answers. */
class EmbeddingsTest {
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(new ScriptedEngine());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode embed(String body) {
        HttpResponse<String> response = server.post("/v1/embeddings", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TestServer.JSON.readTree(response.body());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {"\"a b\"; 1; 2", "[\"a b\",\"c\"]; 2; 3", "[1,2,3]; 1; 3", "[[1,2],[3,4,5]]; 2; 5"})
    void inputsHaveFourShapes(String input, int vectors, int tokens) {
        JsonNode answer = embed("{\"input\":" + input + "}");
        assertThat(answer.path("object").stringValue()).isEqualTo("list");
        assertThat(answer.path("data")).hasSize(vectors);
        assertThat(answer.path("usage").path("prompt_tokens").intValue()).isEqualTo(tokens);
        for (int i = 0; i < vectors; i++) {
            assertThat(answer.path("data").get(i).path("index").intValue()).isEqualTo(i);
        }
    }

    @Test
    void poolingIsTheServersAndNormalizingTheClients() {
        assertThat(embed("{\"input\":\"a b\"}")
                        .path("data")
                        .get(0)
                        .path("embedding")
                        .toString())
                .isEqualTo("[2.0,0.0,1.0]");
        assertThat(embed("{\"input\":\"a b\",\"normalize\":false}")
                        .path("data")
                        .get(0)
                        .path("embedding")
                        .toString())
                .isEqualTo("[2.0,0.0,0.0]");
    }

    @Test
    void valuesOfUnsupportedFieldsThatChangeNothingAreFine() {
        embed("{\"input\":\"a\",\"vllm_xargs\":{\"session_id\":\"s\"},\"priority\":0,\"embed_dtype\":\"float32\","
                + "\"endianness\":\"native\",\"user\":\"u\"}");
        assertThat(embed("{\"input\":\"a b\",\"use_activation\":false}")
                        .path("data")
                        .get(0)
                        .path("embedding")
                        .toString())
                .as("as normalize")
                .isEqualTo("[2.0,0.0,0.0]");
    }

    @Test
    void base64IsLittleEndianFloats() {
        String text = embed("{\"input\":\"a b c\",\"encoding_format\":\"base64\",\"dimensions\":3}")
                .path("data")
                .get(0)
                .path("embedding")
                .stringValue();
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(text)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes.getFloat()).isEqualTo(3f);
        assertThat(bytes.remaining()).isEqualTo(8);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; 400; body.input",
                "{\"input\":\"\"}; 400; input",
                "{\"input\":[]}; 400; input",
                "{\"input\":[[1000]]}; 400; input",
                "{\"input\":\"a\",\"dimensions\":2}; 400; dimensions",
                "{\"input\":\"a\",\"encoding_format\":\"text\"}; 400; encoding_format",
                "{\"input\":\"a\",\"vllm_xargs\":{\"a\":1}}; 400; vllm_xargs",
                "{\"input\":\"a\",\"kv_transfer_params\":{\"a\":1}}; 400; kv_transfer_params",
                "{\"input\":\"a\",\"priority\":1}; 400; priority",
                "{\"input\":\"a\",\"embed_dtype\":\"float16\"}; 400; embed_dtype",
                "{\"input\":\"a\",\"endianness\":\"big\"}; 400; endianness",
                "{\"input\":\"a\",\"model\":\"x\"}; 404; model"
            })
    void whatIsWrongIsNamed(String body, int status, String param) {
        HttpResponse<String> response = server.post("/v1/embeddings", body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(TestServer.JSON
                        .readTree(response.body())
                        .path("error")
                        .path("param")
                        .stringValue())
                .isEqualTo(param);
    }
}
