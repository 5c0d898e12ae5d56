package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Holds templates in the style of many models to what transformers and Jinja2 render (bench/reference). */
class ChatTemplateReferenceTest {
    private static final LocalDateTime DAY = LocalDateTime.of(2026, 11, 23, 9, 5);

    @TestFactory
    List<DynamicTest> rendersAsTransformersDoes() throws IOException {
        JsonNode cases = JsonMapper.shared().readTree(resource("/chat-template-cases.json"));
        List<DynamicTest> tests = new ArrayList<>();
        for (Map.Entry<String, JsonNode> named : cases.path("templates").properties()) {
            ChatTemplate template = template(named.getKey());
            for (int i = 0; i < named.getValue().size(); i++) {
                JsonNode expected = named.getValue().get(i);
                List<ChatMessage> messages = cases.path("conversations")
                        .get(i)
                        .valueStream()
                        .map(turn -> new ChatMessage(
                                turn.get(0).asString(), turn.get(1).asString()))
                        .toList();
                tests.add(DynamicTest.dynamicTest(named.getKey() + " " + i, () -> check(template, messages, expected)));
            }
        }
        assertThat(tests).hasSizeGreaterThan(70);
        return tests;
    }

    private static void check(ChatTemplate template, List<ChatMessage> messages, JsonNode expected) {
        if (expected.has("text")) {
            assertThat(template.render(messages))
                    .isEqualTo(expected.path("text").asString());
        } else {
            EngineException.InvalidRequest refused =
                    catchThrowableOfType(EngineException.InvalidRequest.class, () -> template.render(messages));
            assertThat(refused.parameter()).isEqualTo("messages");
            assertThat(refused)
                    .hasMessageEndingWith(": " + expected.path("error").asString());
        }
    }

    private static ChatTemplate template(String name) throws IOException {
        if (name.equals("bundled")) {
            // The cases were made with "<s>" as bos_token, the folder's own is "</s>".
            String source =
                    TokenizerConfig.read(ModelFolder.BUNDLED).chatTemplate().asString();
            return template(source, "<s>");
        }
        return template(resource("/chat-templates/" + name), "<s>");
    }

    private static ChatTemplate template(String source, String bos) {
        return new ChatTemplate(source, Map.of("bos_token", bos, "eos_token", "</s>"), () -> DAY);
    }

    private static String resource(String name) throws IOException {
        try (var in = ChatTemplateReferenceTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        }
    }
}
