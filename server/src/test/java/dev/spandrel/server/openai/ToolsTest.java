package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.Prompt;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code tools} and {@code tool_choice} of chats, and the forms of output of both endpoints. */
class ToolsTest {
    private static final String TOOLS = """
            "tools":[{"type":"function","function":{"name":"weather","description":"d",
              "parameters":{"type":"object","properties":{"city":{"$ref":"#/$defs/c"}},"required":["city"],
                "$defs":{"c":{"type":"string"}}}}},
             {"type":"function","function":{"name":"now"}}]""";

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start(new ScriptedEngine());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void reset() {
        server.engine().reset();
    }

    private static HttpResponse<String> post(String fields) {
        return server.post(
                "/v1/chat/completions",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":50," + fields + "}");
    }

    private static JsonNode choice(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TestServer.JSON.readTree(response.body()).path("choices").get(0);
    }

    private static void says(String... pieces) {
        server.engine().script(request -> {
            ScriptedGeneration generation = ScriptedGeneration.silent(request);
            for (int i = 0; i < pieces.length - 1; i++) {
                generation.send(pieces[i]);
            }
            return generation.finish(pieces[pieces.length - 1], FinishReason.STOP);
        });
    }

    @Test
    void aCallOfTheModelsOwnAccordIsFound() {
        says("<tool_", "call>{\"name\": \"weather\", \"arguments\": {\"city\": \"", "Paris\"}}", "</tool_call>");
        JsonNode choice = choice(post(TOOLS));
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("tool_calls");
        assertThat(choice.path("message").path("content").isNull()).isTrue();
        JsonNode call = choice.path("message").path("tool_calls").get(0);
        assertThat(call.path("id").stringValue()).matches("[0-9a-z]{9}");
        assertThat(call.path("type").stringValue()).isEqualTo("function");
        assertThat(call.path("function").toString())
                .isEqualTo("{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\": \\\"Paris\\\"}\"}");
        Prompt.Chat seen = (Prompt.Chat) server.engine().submitted().request().prompt();
        assertThat(seen.options().tools()).hasSize(2);
        assertThat(seen.options().tools().get(1))
                .isEqualTo(Map.of("type", "function", "function", Map.of("name", "now")));
    }

    @Test
    void textWithoutACallIsContent() {
        says("It is ", "fine.");
        JsonNode choice = choice(post(TOOLS));
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("stop");
        assertThat(choice.path("message").path("content").stringValue()).isEqualTo("It is fine.");
        assertThat(choice.path("message").has("tool_calls")).isFalse();
    }

    @Test
    void streamedCallsComeInPieces() {
        says("Look: <tool_call>", "{\"name\": \"weather\", \"arguments\": {\"ci", "ty\": 1}}</tool_call>");
        StringBuilder arguments = new StringBuilder();
        StringBuilder content = new StringBuilder();
        int names = 0;
        String reason = null;
        for (String event : post(TOOLS + ",\"stream\":true").body().split("\n\n")) {
            String data = event.substring("data: ".length());
            if (data.equals("[DONE]")) {
                continue;
            }
            JsonNode choice = TestServer.JSON.readTree(data).path("choices").get(0);
            content.append(choice.path("delta").path("content").asString(""));
            for (JsonNode call : choice.path("delta").path("tool_calls")) {
                assertThat(call.path("index").intValue()).isZero();
                names += call.path("function").has("name") ? 1 : 0;
                assertThat(call.has("id")).isEqualTo(call.path("function").has("name"));
                arguments.append(call.path("function").path("arguments").stringValue());
            }
            reason = choice.path("finish_reason").isNull()
                    ? reason
                    : choice.path("finish_reason").stringValue();
        }
        assertThat(content).hasToString("Look: ");
        assertThat(arguments).hasToString("{\"city\": 1}");
        assertThat(names).isOne();
        assertThat(reason).isEqualTo("tool_calls");
    }

    @Test
    void aNamedToolIsAConstraintOnItsArguments() {
        says("{\"city\":\"x\"}");
        JsonNode choice =
                choice(post(TOOLS + ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}"));
        assertThat(choice.path("message")
                        .path("tool_calls")
                        .get(0)
                        .path("function")
                        .toString())
                .isEqualTo("{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"x\\\"}\"}");
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("stop");
        OutputConstraint.JsonSchema form = (OutputConstraint.JsonSchema) constraint();
        assertThat(form.schema()).contains("\"city\"").contains("#/$defs/c");
    }

    @Test
    void requiredCallsAreAListOfAnyOfTheTools() {
        says("[{\"name\":\"now\",\"parameters\":{}},", "{\"name\":\"weather\",\"parameters\":{\"city\":\"y\"}}]");
        JsonNode choice = choice(post(TOOLS + ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false"));
        assertThat(choice.path("message").path("tool_calls")).hasSize(1);
        assertThat(choice.path("finish_reason").stringValue()).isEqualTo("tool_calls");
        JsonNode schema = TestServer.JSON.readTree(((OutputConstraint.JsonSchema) constraint()).schema());
        assertThat(schema.path("maxItems").intValue()).isOne();
        JsonNode weather =
                schema.path("items").path("anyOf").get(0).path("properties").path("parameters");
        assertThat(weather.path("properties").path("city").path("$ref").stringValue())
                .isEqualTo("#/items/anyOf/0/properties/parameters/$defs/c");
    }

    @Test
    void withoutParallelCallsTheFirstCounts() {
        says("<tool_call>{\"name\":\"now\"}</tool_call><tool_call>{\"name\":\"weather\",\"arguments\":{}}</tool_call>");
        assertThat(choice(post(TOOLS)).path("message").path("tool_calls")).hasSize(2);
        JsonNode one = choice(post(TOOLS + ",\"parallel_tool_calls\":false"));
        assertThat(one.path("message").path("tool_calls")).hasSize(1);
        assertThat(one.path("message")
                        .path("tool_calls")
                        .get(0)
                        .path("function")
                        .toString())
                .isEqualTo("{\"name\":\"now\",\"arguments\":\"{}\"}");
    }

    @Test
    void noneMeansNoCallsButTheTemplateSeesTheTools() {
        says("<tool_call>{\"name\":\"now\"}</tool_call>");
        JsonNode choice = choice(post(TOOLS + ",\"tool_choice\":\"none\""));
        assertThat(choice.path("message").path("content").stringValue()).startsWith("<tool_call>");
    }

    @Test
    void earlierCallsAndResultsReachTheTemplate() {
        says("ok");
        choice(server.post("/v1/chat/completions", """
                {"messages":[{"role":"user","content":"a"},
                  {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
                     "function":{"name":"weather","arguments":"{\\"city\\":\\"x\\"}"}}]},
                  {"role":"tool","tool_call_id":"c1","content":"sunny"}]}"""));
        List<ChatMessage> messages =
                ((Prompt.Chat) server.engine().submitted().request().prompt()).messages();
        assertThat(messages.get(1).more()).containsEntry("content", null);
        assertThat(messages.get(1).more().get("tool_calls"))
                .isEqualTo(List.of(Map.of(
                        "id",
                        "c1",
                        "type",
                        "function",
                        "function",
                        Map.of("name", "weather", "arguments", Map.of("city", "x")))));
        assertThat(messages.get(2).more()).containsEntry("tool_call_id", "c1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "\"tool_choice\":\"auto\"; tool_choice",
                "\"tool_choice\":\"required\"; tool_choice",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"sometimes\"; tool_choice",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":{\"function\":{\"name\":\"g\"}}; tool_choice",
                "\"tools\":[{}]; body.tools.0",
                "\"tools\":7; body.tools",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":false}}]; body.tools.0.function.parameters",
                "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\",\"response_format\":{\"type\":\"json_object\"}; tool_choice"
            })
    void whatDoesNotGoTogetherIsNamed(String fields, String param) {
        HttpResponse<String> response = post(fields);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        assertThat(TestServer.JSON
                        .readTree(response.body())
                        .path("error")
                        .path("param")
                        .stringValue())
                .isEqualTo(param);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "\"response_format\":{\"type\":\"json_object\"}; JsonObject[]",
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"null\"}}}; JsonSchema[schema={\"type\":\"null\"}, fields={#=response_format}]",
                "\"structured_outputs\":{\"regex\":\"a+\"}; Regex[pattern=a+]",
                "\"structured_outputs\":{\"choice\":[\"x\",\"y\"]}; Choice[choices=[x, y]]",
                "\"structured_outputs\":{\"json\":{\"type\":\"null\"}}; JsonSchema[schema={\"type\":\"null\"}, fields={#=structured_outputs}]",
                "\"structured_outputs\":{\"json\":\"{}\"}; JsonSchema[schema={}, fields={#=structured_outputs}]",
                "\"structured_outputs\":{\"json_object\":true}; JsonObject[]",
                "\"guided_regex\":\"b\"; Regex[pattern=b]",
                "\"guided_choice\":[\"x\"]; Choice[choices=[x]]",
                "\"guided_json\":{}; JsonSchema[schema={}, fields={#=guided_json}]"
            })
    void formsOfOutputReachTheEngine(String field, String form) {
        choice(post(field));
        assertThat(constraint()).hasToString(form);
        server.completion("{\"prompt\":\"a\"," + field + "}");
        assertThat(constraint()).hasToString(form);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "\"response_format\":{\"type\":\"xml\"}; 400",
                "\"response_format\":{\"type\":\"json_schema\"}; 400",
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\"}}; 400",
                "\"response_format\":\"json\"; 400",
                "\"response_format\":{\"type\":\"structural_tag\"}; 400",
                "\"structured_outputs\":{\"grammar\":\"root ::= x\"}; 400",
                "\"structured_outputs\":{\"regex\":\"a\",\"choice\":[\"x\"]}; 400",
                "\"guided_regex\":\"a\",\"response_format\":{\"type\":\"json_object\"}; 400"
            })
    void formsThatAreNotUnderstoodAreRefused(String field, int status) {
        assertThat(post(field).statusCode()).isEqualTo(status);
    }

    private static OutputConstraint constraint() {
        return server.engine().submitted().request().sampling().constraint().orElseThrow();
    }
}
