package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class ByteLevelBpeTokenizerTest {
    private final Tokenizer tokenizer = ModelFolder.bundledTokenizer();

    @Test
    void putsBosInFrontOnlyWhenAsked() {
        assertThat(tokenizer.encode("Once", true)).startsWith(2).endsWith(tokenizer.encode("Once", false));
        assertThat(tokenizer.encode("", true)).containsExactly(2);
        assertThat(tokenizer.encode("", false)).isEmpty();
    }

    @Test
    void knowsItsTokens() {
        assertThat(tokenizer.vocabSize()).isEqualTo(2048);
        assertThat(tokenizer.idOf("</s>")).isEqualTo(2);
        assertThat(tokenizer.idOf("Ġthe")).isEqualTo(tokenizer.encode(" the", false)[0]);
        assertThat(tokenizer.idOf("no such token")).isEqualTo(-1);
        assertThat(tokenizer.isSpecial(2)).isTrue();
        assertThat(tokenizer.isSpecial(0))
                .as("<s>, which no file calls special")
                .isFalse();
        assertThat(tokenizer.isSpecial(-1) || tokenizer.isSpecial(2048)).isFalse();
        assertThat(tokenizer.bytes(2)).isEmpty();
        assertThat(tokenizer.bytes(-1)).isEmpty();
        assertThat(tokenizer.bytes(2048)).isEmpty();
        assertThat(tokenizer.bytes(tokenizer.idOf("Ġthe"))).containsExactly(' ', 't', 'h', 'e');
    }

    @Test
    void replacesUnpairedSurrogates() {
        int[] replaced = tokenizer.encode("a\ufffdb\ufffd", false);
        assertThat(tokenizer.encode("a\ud83db\ude42", false)).containsExactly(replaced);
        assertThat(tokenizer.encode("\ud83d\ude42", false)).hasSize(4).isNotEqualTo(replaced);
    }

    /** A quadratic merge would take hours on the long words; the limit only has to tell minutes from seconds. */
    @Test
    void encodesAWordOfAMegabyteInNoTime() {
        for (String unit : List.of("a", "the", "ab", "\u6771", "=")) {
            String word = unit.repeat(1_000_000 / unit.length());
            Assertions.assertTimeoutPreemptively(
                    Duration.ofSeconds(20),
                    () -> assertThat(tokenizer.encode(word, false)).isNotEmpty(),
                    unit);
        }
        String spaces = " ".repeat(1_000_000);
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> assertThat(tokenizer.encode(spaces + "x", false)).isNotEmpty());
    }

    @Test
    void givesTheSameIdsFromManyThreads() throws Exception {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 2_000; i++) {
            texts.add("word" + i + " and its neighbour " + i * 31 + " don't share");
        }
        Tokenizer alone = ModelFolder.bundledTokenizer();
        List<int[]> expected =
                texts.stream().map(text -> alone.encode(text, false)).toList();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<Boolean>> same = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                same.add(threads.submit(() -> {
                    for (int t = 0; t < texts.size(); t++) {
                        assertThat(tokenizer.encode(texts.get(t), false)).containsExactly(expected.get(t));
                    }
                    return true;
                }));
            }
            for (Future<Boolean> each : same) {
                assertThat(each.get()).isTrue();
            }
        }
    }
}
