package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.ChatMessage;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** OpenAI's role {@code developer} and templates that do not know it; vLLM's tests of its conversion. */
class DeveloperMessagesTest {
    private static final String PLAIN = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
    private static final ChatMessage SYSTEM = new ChatMessage("system", "You are helpful.");
    private static final ChatMessage DEVELOPER = new ChatMessage("developer", "Be concise.");
    private static final ChatMessage USER = new ChatMessage("user", "Hello");

    private static String render(String source, ChatMessage... messages) {
        return new ChatTemplate(source, Map.of(), LocalDateTime::now).render(List.of(messages));
    }

    @Test
    void aTemplateThatDoesNotKnowTheRoleSeesASystemMessage() {
        assertThat(render(PLAIN, DEVELOPER, USER)).isEqualTo("[system]Be concise.[user]Hello");
    }

    @Test
    void aTemplateThatKnowsItSeesItAsItIs() {
        String knowing = PLAIN + "{% if messages[0].role == 'developer' %}!{% endif %}";
        assertThat(render(knowing, DEVELOPER, USER)).isEqualTo("[developer]Be concise.[user]Hello!");
        assertThat(render(knowing.replace('\'', '"'), DEVELOPER, USER)).endsWith("!");
    }

    @Test
    void allSystemMessagesAreOneAtTheBeginning() {
        ChatMessage bot = new ChatMessage("assistant", "Hi there!");
        assertThat(render(PLAIN, SYSTEM, USER, bot, DEVELOPER, new ChatMessage("user", "What is 2+2?")))
                .isEqualTo("[system]You are helpful.\n\nBe concise.[user]Hello[assistant]Hi there![user]What is 2+2?");
        assertThat(render(PLAIN, USER, DEVELOPER)).isEqualTo("[system]Be concise.[user]Hello");
    }

    @Test
    void withoutTheRoleNothingMoves() {
        assertThat(render(PLAIN, USER, SYSTEM)).isEqualTo("[user]Hello[system]You are helpful.");
    }
}
