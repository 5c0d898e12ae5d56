package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.ChatOptions;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tokenizer.jinja.Template;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How templates see contents in parts; vLLM's tests of content formats, with templates of the same styles. */
class ContentFormatTest {
    private static final String JSON = "{% for m in messages %}{{ m.content | tojson }};{% endfor %}";
    private static final List<ChatMessage> BOTH = List.of(
            new ChatMessage("user", "a\nb", List.of(part("a"), part("b")), Map.of()),
            new ChatMessage("assistant", "c"));

    private static Map<String, Object> part(String text) {
        return Map.of("type", "text", "text", text);
    }

    private static Template parse(String source) {
        return Template.parse(source, LocalDateTime::now);
    }

    private static ChatTemplate template(String source, ContentFormat format) {
        return new ChatTemplate(source, Map.of(), LocalDateTime::now).withContentFormat(format);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for message in messages %}{% for content in message['content'] %}{{ content.text }}{% endfor %}{% endfor %}",
                "{%- for m in messages[1:] -%}{%- for line in m.content | selectattr('type', 'equalto', 'text') -%}x{%- endfor -%}{%- endfor -%}",
                "{% set loop_messages = messages %}{% for m in loop_messages %}{% for c in m['content'] if c.type == 'text' %}x{% endfor %}{% endfor %}",
                "{% set rest = messages[1:] %}{% set rest = rest | list %}{% for m in rest if m.role %}{% for c in m.content[:1] %}x{% endfor %}{% endfor %}",
                "{% macro said(content) %}{% if content is string %}{{ content }}{% else %}{% for item in content %}{{ item.text }}{% endfor %}{% endif %}{% endmacro %}"
                        + "{% for m in messages %}{{ said(m.content) }}{% endfor %}",
                "{% for m in messages %}{% set said = m.content %}{% for c in said %}x{% endfor %}{% endfor %}",
                "{% set first = messages[0] %}{% for c in first.content %}x{% endfor %}",
                "{% for c in messages[-1]['content'] %}x{% endfor %}"
            })
    void aLoopOverAContentTakesParts(String source) {
        assertThat(parse(source).takesParts()).as(source).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for message in messages %}{{ message['role'] + message['content'] }}{% endfor %}",
                "{% for message in messages %}{% for call in message.tool_calls %}{{ call.id }}{% endfor %}{% endfor %}",
                "{% for message in messages %}{% for word in message.content.split() %}{{ word }}{% endfor %}{% endfor %}",
                "{% for tool in tools %}{% for p in tool.content %}x{% endfor %}{% endfor %}",
                "{% for c in messages[0].content[0] %}x{% endfor %}",
                "{% if messages[0].content is string %}x{% endif %}",
                "{# {% for c in message.content %} #}{% raw %}{% for content in content %}{% endfor %}{% endraw %}x"
            })
    void otherLoopsDoNot(String source) {
        assertThat(parse(source).takesParts()).as(source).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "chatml,false",
        "gemma-style,true",
        "llama3-style,false",
        "llama31-style,false",
        "macros,false",
        "mistral-style,false",
        "qwen-style,false",
        "zephyr-style,false"
    })
    void knownTemplates(String name, boolean parts) throws IOException {
        String source = Files.readString(Path.of("src/test/resources/chat-templates/" + name + ".jinja"));
        assertThat(parse(source).takesParts()).isEqualTo(parts);
    }

    @Test
    void whatIsAskedOfAContentIsNotWhatIsAskedOfOthers() {
        assertThat(parse("{% if message['content'] is string %}x{% endif %}").takesText())
                .isTrue();
        assertThat(parse("{{ m.content is not string }}").takesText()).isTrue();
        assertThat(parse("{{ call.arguments is string }}").takesText()).isFalse();
        assertThat(parse("{{ m.content is mapping }}").takesText()).isFalse();
    }

    @Test
    void theTwoFormats() {
        assertThat(template(JSON, ContentFormat.STRING).render(BOTH)).isEqualTo("\"a\\nb\";\"c\";");
        assertThat(template(JSON, ContentFormat.AUTO).render(BOTH))
                .as("no loop over a content")
                .isEqualTo("\"a\\nb\";\"c\";");
        String parts = template(JSON, ContentFormat.OPENAI).render(BOTH);
        assertThat(parts)
                .as("a text is a list too")
                .endsWith("[{\"type\": \"text\", \"text\": \"c\"}];")
                .contains("\"a\"", "\"b\"")
                .doesNotContain("\\n");
    }

    @Test
    void aTemplateThatAsksForTextsGetsThem() {
        String source = "{% for m in messages %}{% if m.content is string %}({{ m.content }}){% else %}"
                + "{% for c in m.content %}[{{ c.text }}]{% endfor %}{% endif %}{% endfor %}";
        assertThat(template(source, ContentFormat.AUTO).render(BOTH)).isEqualTo("[a][b](c)");
        assertThat(template(source, ContentFormat.OPENAI).render(BOTH)).isEqualTo("[a][b](c)");
        assertThat(template(source, ContentFormat.STRING).render(BOTH)).isEqualTo("(a\nb)(c)");
    }

    @Test
    void resultsOfToolsAreTexts() {
        List<ChatMessage> result = List.of(new ChatMessage("tool", "a\nb", List.of(part("a"), part("b")), Map.of()));
        assertThat(template(JSON, ContentFormat.OPENAI).render(result)).isEqualTo("\"a\\nb\";");
    }

    @Test
    void aMessageInPartsStaysOpenBehindItsLast() {
        String source = "{% for m in messages %}<{% for c in m.content %}{{ c.text }}{% endfor %}>{% endfor %}";
        ChatOptions open = new ChatOptions(false, true, false, List.of(), Map.of());
        List<ChatMessage> parts = List.of(BOTH.getFirst());
        assertThat(template(source, ContentFormat.AUTO).render(parts, open)).isEqualTo("<ab");
        assertThatThrownBy(() -> template("{% for c in messages[0].content %}.{% endfor %}", ContentFormat.AUTO)
                        .render(parts, open))
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining("continue_final_message");
    }
}
