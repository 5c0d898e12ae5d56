package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Seeded mutations of shipped chat templates: a text or a refusal, never anything else, and never without an end. */
class ChatTemplateFuzzTest {
    private static final Path TEMPLATES = Path.of("src/test/resources/chat-templates");
    private static final LocalDateTime DAY = LocalDateTime.of(2026, 11, 23, 9, 5);
    private static final List<ChatMessage> CHAT = List.of(
            new ChatMessage("system", "Be brief."),
            new ChatMessage("user", "Hi?"),
            new ChatMessage("assistant", "Hi."));
    private static final String[] PIECES = {
        "{%",
        "%}",
        "{{",
        "}}",
        "{#",
        "'",
        "\"",
        "(",
        ")",
        "[",
        "]",
        "|",
        ".",
        "-",
        "~",
        " if ",
        " for ",
        " endif ",
        " set ",
        " loop.index0 ",
        " messages ",
        "[::-1]",
        " * 99999999 ",
        "//0",
        "\\",
        " is ",
        " not ",
        "range(1000000000)"
    };

    @Test
    void rendersOrRefuses() throws IOException {
        long base = Long.getLong("fuzz.seed", 20_261_203L);
        int rounds = Integer.getInteger("fuzz.rounds", 4_000);
        List<String> sources;
        try (Stream<Path> files = Files.list(TEMPLATES)) {
            sources = files.sorted().map(ChatTemplateFuzzTest::read).toList();
        }
        int rendered = 0;
        for (int i = 0; i < rounds; i++) {
            SplittableRandom random = new SplittableRandom(base + i);
            String source = mutate(sources.get(random.nextInt(sources.size())), random);
            try {
                ChatTemplate template =
                        new ChatTemplate(source, Map.of("bos_token", "<s>", "eos_token", "</s>"), () -> DAY);
                assertThat(template.render(CHAT)).isNotNull();
                rendered++;
            } catch (EngineException.InvalidRequest refused) {
                assertThat(refused.parameter()).isEqualTo("messages");
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (base + i) + " for one round: " + source, e);
            }
        }
        assertThat(rendered).as("rounds that rendered, seed %d", base).isBetween(1, rounds - 1);
    }

    private static String mutate(String source, SplittableRandom random) {
        StringBuilder mutated = new StringBuilder(source);
        for (int i = random.nextInt(4); i >= 0; i--) {
            int at = random.nextInt(mutated.length());
            int end = Math.min(mutated.length(), at + random.nextInt(25));
            switch (random.nextInt(4)) {
                case 0 -> mutated.delete(at, end);
                case 1 -> mutated.insert(at, PIECES[random.nextInt(PIECES.length)]);
                case 2 -> mutated.insert(random.nextInt(mutated.length()), mutated.substring(at, end));
                default -> mutated.setCharAt(at, (char) random.nextInt(32, 127));
            }
            if (mutated.isEmpty()) {
                mutated.append(' ');
            }
        }
        return mutated.toString();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
