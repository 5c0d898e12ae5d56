package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** vLLM's table of errors, row by row, against a real server with the bundled model: status, type, parameter, message. */
class ErrorTableIT {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";

    @AutoClose
    private static LaunchedProcess server;

    @AutoClose
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static String root;

    @BeforeAll
    static void start() throws IOException {
        server = Launcher.serve("--max-model-len", "64").start();
        root = "http://127.0.0.1:" + server.awaitServerPort();
    }

    @AfterAll
    static void endsInGoodOrder() {
        assertThat(server.stop()).as("%s", server).isZero();
    }

    @AfterEach
    void livesOn() throws Exception {
        assertThat(post(COMPLETIONS, "{\"prompt\":\"a\",\"max_tokens\":1}", "application/json")
                        .statusCode())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'model':'X','prompt':'a'} | 404 | NotFoundError | model | The model `X` does not exist.",
                "{'prompt':'Once upon a time','max_tokens':62} | 400 | BadRequestError | input_tokens | maximum context length is 64",
                "{'prompt':'a','max_tokens':65} | 400 | BadRequestError | max_tokens | max_tokens",
                "{'prompt':'a','temperature':-1} | 400 | BadRequestError | temperature | (parameter=temperature, value=-1",
                "{'prompt':'a','temperature':2.5} | 400 | BadRequestError | temperature | (parameter=temperature, value=2.5)",
                "{'prompt':'a','top_p':0} | 400 | BadRequestError | top_p | (parameter=top_p, value=0",
                "{'prompt':'a','top_p':1.5} | 400 | BadRequestError | top_p | (parameter=top_p, value=1.5)",
                "{'prompt':'a','top_k':-2} | 400 | BadRequestError | top_k | (parameter=top_k, value=-2)",
                "{'prompt':'a','max_tokens':0} | 400 | BadRequestError | max_tokens | (parameter=max_tokens, value=0)",
                "{'prompt':'a','n':0} | 400 | BadRequestError | n | (parameter=n, value=0)",
                "{'prompt':'a','n':2,'temperature':0} | 400 | BadRequestError | n | greedy",
                "{'max_tokens':1} | 400 | Bad Request | body.prompt | 1 validation error:",
                "{'prompt':7} | 400 | Bad Request | body.prompt | 1 validation error:",
                "{'prompt':'a','max_tokens':'many'} | 400 | Bad Request | body.max_tokens | 1 validation error:",
                "{'prompt':'a','max_tokens':'many','temperature':'hot'} | 400 | Bad Request | body.max_tokens | 2 validation errors:",
                "{'prompt':'a' | 400 | Bad Request | body | not valid JSON",
                "['prompt'] | 400 | Bad Request | body | expected a JSON object",
                "{'prompt':''} | 400 | BadRequestError | prompt | empty",
                "{'prompt':[]} | 400 | BadRequestError | prompt | prompt",
                "{'prompt':[999999]} | 400 | BadRequestError | prompt | out of vocabulary",
                "{'prompt':[-1]} | 400 | BadRequestError | prompt | -1",
                "{'prompt':'a','stream_options':{'include_usage':true}} | 400 | BadRequestError | stream_options | stream",
                "7 | 400 | Bad Request | body | expected a JSON object",
                "null | 400 | Bad Request | body | expected a JSON object",
                "'prompt' | 400 | Bad Request | body | expected a JSON object",
                "{'prompt':'a','min_p':2} | 400 | BadRequestError | min_p | (parameter=min_p, value=2",
                "{'prompt':'a','repetition_penalty':0} | 400 | BadRequestError | repetition_penalty | value=0",
                "{'prompt':'a','presence_penalty':2.5} | 400 | BadRequestError | presence_penalty | value=2.5)",
                "{'prompt':'a','frequency_penalty':-3} | 400 | BadRequestError | frequency_penalty | value=-3",
                "{'prompt':'a','max_tokens':2,'min_tokens':3} | 400 | BadRequestError | min_tokens | value=3)",
                "{'prompt':'a','logprobs':21} | 400 | BadRequestError | logprobs | greater than max allowed: 20",
                "{'prompt':'a','prompt_logprobs':-1} | 400 | BadRequestError | prompt_logprobs | greater than max allowed: 20",
                "{'prompt':'a','prompt_logprobs':-2} | 400 | BadRequestError | prompt_logprobs | must be a positive value or -1",
                "{'prompt':'a','seed':9223372036854775808} | 400 | Bad Request | body.seed | 64 bits",
                "{'prompt':'a','logit_bias':{'x':1}} | 400 | Bad Request | body.logit_bias | integers as keys",
                "{'prompt':'a','logit_bias':{'999999':1}} | 400 | BadRequestError | logit_bias | out of vocabulary",
                "{'prompt':'a','repetition_detection':{'a':1}} | 400 | BadRequestError | repetition_detection | not supported"
            })
    void aCompletion(String body, int status, String type, String param, String message) throws Exception {
        check(post(COMPLETIONS, body.replace('\'', '"'), "application/json"), status, type, param, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'model':'X','messages':[{'role':'user','content':'a'}]} | 404 | NotFoundError | model | does not exist",
                "{'messages':[]} | 400 | BadRequestError | messages | at least one",
                "{} | 400 | Bad Request | body.messages | field required",
                "{'messages':[{'content':'a'}]} | 400 | Bad Request | body.messages.0.role | field required",
                "{'messages':'a'} | 400 | Bad Request | body.messages | an array of messages",
                "{'messages':[{'role':'user','content':'a'}],'max_completion_tokens':65} | 400 | BadRequestError"
                        + " | max_completion_tokens | max_completion_tokens",
                "{'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'x'}}]}]} | 400"
                        + " | BadRequestError | messages | text only"
            })
    void aChat(String body, int status, String type, String param, String message) throws Exception {
        check(post(CHAT, body.replace('\'', '"'), "application/json"), status, type, param, message);
    }

    /** By characters alone, before anything is tokenized. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "/v1/completions | {'prompt':'LONG'}",
                "/v1/chat/completions | {'messages':[{'role':'user','content':'LONG'}]}",
                "/v1/embeddings | {'input':'LONG'}"
            })
    void aTextThatCannotFit(String path, String body) throws Exception {
        check(
                post(path, body.replace('\'', '"').replace("LONG", "once ".repeat(100_000)), "application/json"),
                400,
                "BadRequestError",
                "input_text",
                "maximum context length is 64 tokens");
    }

    @Test
    void anotherContentType() throws Exception {
        check(
                post(COMPLETIONS, "{\"prompt\":\"a\"}", "text/plain"),
                400,
                "Bad Request",
                null,
                "only `application/json` is allowed");
    }

    @Test
    void anUnknownRouteAndAnotherMethod() throws Exception {
        check(post("/v1/nothing", "{}", "application/json"), 404, "Not Found", null, "/v1/nothing");
        HttpResponse<String> method = HTTP.send(
                HttpRequest.newBuilder(URI.create(root + COMPLETIONS)).build(), HttpResponse.BodyHandlers.ofString());
        check(method, 405, "Method Not Allowed", null, "POST only");
    }

    private static void check(HttpResponse<String> response, int status, String type, String param, String message) {
        assertThat(response.statusCode()).as("%s", response.body()).isEqualTo(status);
        JsonNode error = Api.json(response.body()).path("error");
        assertThat(error.path("code").asInt()).isEqualTo(status);
        assertThat(error.path("type").asString()).as("%s", response.body()).isEqualTo(type);
        assertThat(error.path("param").isNull() ? null : error.path("param").asString())
                .as("%s", response.body())
                .isEqualTo(param);
        assertThat(error.path("message").asString())
                .contains(message)
                .doesNotContain("dev.spandrel", ".java", "/home", "@");
    }

    private static HttpResponse<String> post(String path, String body, String contentType) throws Exception {
        return HTTP.send(
                HttpRequest.newBuilder(URI.create(root + path))
                        .header("Content-Type", contentType)
                        .timeout(Await.LIMIT)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
