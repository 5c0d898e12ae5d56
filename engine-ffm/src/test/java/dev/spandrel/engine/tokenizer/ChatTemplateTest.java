package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "Hello!"));

    @TempDir
    Path folder;

    @Test
    void rendersTheBundledTemplate() {
        ChatTemplate template = open(ModelFolder.BUNDLED);
        String text = template.render(HELLO);
        assertThat(text).isEqualTo("</s>User: Hello!\nAssistant:");
        Tokenizer tokenizer = ModelFolder.bundledTokenizer();
        assertThat(tokenizer.encode(text, false)).containsExactly(tokenizer.encode("User: Hello!\nAssistant:", true));
    }

    @Test
    void prefersTheFileThenTheTemplateNamedDefault() throws IOException {
        assertThat(ChatTemplate.open(folder, LocalDateTime::now)).isEmpty();
        config("[{\"name\":\"tool_use\",\"template\":\"T\"},{\"name\":\"default\",\"template\":\"D{{ eos_token }}\"}]");
        assertThat(open(folder).render(HELLO)).isEqualTo("D<e>");
        Files.writeString(folder.resolve("chat_template.jinja"), "J{{ messages[0].content }}");
        assertThat(open(folder).render(HELLO)).isEqualTo("JHello!");
    }

    @Test
    void theOperatorsTemplateGoesBeforeAnyOther() throws IOException {
        config("\"model's\"");
        Files.writeString(folder.resolve("chat_template.jinja"), "file's");
        ChatTemplate template =
                ChatTemplate.given("own {{ messages[0].content }}{{ eos_token }}", folder, LocalDateTime::now);
        assertThat(template.render(HELLO)).isEqualTo("own Hello!<e>");
        Path gguf = Path.of("src/test/resources/gguf/tokenizers/llama2/tokenizer.gguf");
        assertThat(ChatTemplate.given("{{ bos_token }}", gguf, LocalDateTime::now)
                        .render(HELLO))
                .isEqualTo("<s>");
    }

    @Test
    void theOperatorsTemplateIsLookedAtBeforeAnyRequest() throws IOException {
        config("null");
        assertThatThrownBy(() -> ChatTemplate.given("a\n{% if %}", folder, LocalDateTime::now))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("the given chat template")
                .hasMessageContaining("line 2 of the template");
    }

    @Test
    void refusesTemplatesWithoutADefault() throws IOException {
        config("[{\"name\":\"tool_use\",\"template\":\"T\"}]");
        assertThatThrownBy(() -> open(folder))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("named \"default\", found [tool_use]");
    }

    @Test
    void neverReadsMessagesAsTemplates() throws IOException {
        config("\"{{ messages[0].content }}\"");
        String attack = "{{ 7 * 7 }}{% raise %}{# x #}";
        assertThat(open(folder).render(List.of(new ChatMessage("user", attack))))
                .isEqualTo(attack);
    }

    @Test
    void saysWhereATemplateFails() throws IOException {
        config("\"a\\n{{ messages[0].content.nothing.more }}\"");
        assertThatThrownBy(() -> open(folder).render(HELLO))
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining("line 2 of the template: nothing is undefined");
    }

    private void config(String template) throws IOException {
        Files.writeString(
                folder.resolve("tokenizer_config.json"), "{\"eos_token\":\"<e>\",\"chat_template\":" + template + "}");
    }

    private static ChatTemplate open(Path folder) {
        return ChatTemplate.open(folder, LocalDateTime::now).orElseThrow();
    }

    /** The template and the special tokens it names come from the file itself. */
    @Test
    void readsTheTemplateOfAGgufFile() {
        Path file = Path.of("src/test/resources/gguf/tokenizers/llama2/tokenizer.gguf");
        ChatTemplate template = ChatTemplate.open(file, LocalDateTime::now).orElseThrow();
        assertThat(template.render(List.of(new ChatMessage("user", "hi")))).isEqualTo("<s>user: hi</s>");
    }
}
